/* SPDX-License-Identifier: MIT */
/*
 * world.h - a configuration with every verdict and edit, for targets that run the whole chain
 */
#ifndef TESTS_FUZZ_WORLD_H
#define TESTS_FUZZ_WORLD_H

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "conf/diag.h"
#include "host/generation.h"
#include "../unit/temp.h"

static const char world_sections[] =
	"listener l { socket = inet:10025@127.0.0.1 }\n"
	"map senders { entries = [ \"bad.example reject 553 5.7.1 %s 100%\",\n"
	"    \"later.example tempfail\", \"junk.example discard\", \"odd.example quarantine odd\" "
	"] }\n"
	"map rcpts { entries = [ \"dave@example.com reject\", \"erin@example.com discard\" ] }\n"
	"map helos { entries = [ \"liar.example reject\" ] }\n"
	"map nets { match = cidr; entries = [ \"198.51.100.0/24 reject\", \"2001:db8::/32 "
	"tempfail\" ] }\n"
	"map logins { entries = [ \"ann@example.org ann\", \"@bob.example bob\" ] }\n"
	"plugin access { client = nets; helo = helos; sender = senders; recipient = rcpts }\n"
	"plugin auth { login_map = logins }\n"
	"plugin mark { type = trace; level = debug; answer = [ \"mail prefix_subject [X] \",\n"
	"    \"rcpt add_rcpt copy@example.com\", \"eoh set_header 1 From: x@y.example\",\n"
	"    \"eoh remove_header 1 Received\", \"eom insert_header 0 X-B: 2\" ] }\n"
	"plugin watch { type = trace; level = debug; mode = shadow; answer = [ \"rcpt reject\" ] "
	"}\n"
	"profile submission { port = [ 587 ]; chain = [ watch, auth, mark ] }\n"
	"profile late { port = [ 26 ]; hold = rcpt; chain = [ access, mark ] }\n"
	"profile rest { chain = [ watch, access, rule, mark ] }\n";

/* Looks at all it is shown, in the ways that rules do, and says some of it back. */
static const char world_rule[] = "function connect(m) return m.client.name == 'refused.example' "
				 "and reject('5.7.1', m.client.name) or "
				 "nil end\n"
				 "function helo(m, name) if name:lower():find('liar', 1, true) "
				 "then return tempfail('4.7.1', name) end "
				 "end\n"
				 "function mail(m, from) if from.user:match('^odd') then return "
				 "quarantine(from.text) end end\n"
				 "function rcpt(m, to) if to.user:match('^lua%-') then return "
				 "reject('5.1.1', to.text) end end\n"
				 "function headers(m)\n"
				 "    local subject = m:header('Subject')\n"
				 "    if subject and subject:find('refuse', 1, true) then return "
				 "reject('5.7.1', subject) end\n"
				 "end\n"
				 "function message(m)\n"
				 "    m:add_header('X-Subject', m:header('Subject') or 'none')\n"
				 "    m:prefix_subject('[rule] ')\n"
				 "    m:remove_header('X-Secret')\n"
				 "end\n";

static inline void
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static inline void
world_write(const char *path)
{
	char dir[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", dir, sizeof(dir) - 16);
	FILE *f = fopen(path, "w");

	if (len <= 0 || f == NULL)
		die("no configuration");
	dir[len] = '\0';
	for (int up = 0; up < 3; up++)
		*strrchr(dir, '/') = '\0';
	fprintf(f,
		"main { plugin_dir = \"%s/plugins\"; max_header_size = 8k; max_recipients = 4 }\n",
		dir);
	fprintf(f, "script rule { file = \"%s.lua\" }\n", path);
	fputs(world_sections, f);
	fclose(f);
	snprintf(dir, sizeof(dir), "%s.lua", path);
	f = fopen(dir, "w");
	if (f == NULL)
		die("no rule");
	fputs(world_rule, f);
	fclose(f);
}

/* Once in a process: the generation that runs. */
static inline void
world_load(void)
{
	static bool loaded;
	const struct log_config config = {.target = LOG_TARGET_FILE,
		.level = LOG_LEVEL_DEBUG,
		.path = "/dev/null",
		.summary = true};
	char path[TEMP_NAME_SIZE + 8]; /* and .lua */
	struct err err;

	if (loaded)
		return;
	loaded = true;
	int fd = temp_file(path, "chainmail-fuzz");

	if (fd < 0 || !log_open(&config, 1, &err))
		die("no log");
	close(fd);
	world_write(path);
	struct diag *diag = diag_new();
	struct generation *g = generation_load(path, diag);

	if (g == NULL)
		diag_print(diag, stderr);
	diag_free(diag);
	unlink(path);
	strcat(path, ".lua");
	unlink(path);
	if (g == NULL)
		die("the configuration does not load");
	generation_swap(g);
}

#endif
