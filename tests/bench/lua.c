/* SPDX-License-Identifier: MIT */
/*
 * lua.c - what a hook in Lua costs beside one in C that does nothing either, and a Lua state
 *
 * usage: bench_lua PLUGIN_DIR [ROUNDS]. Two chains of one link get the same events in turns; all
 * that is not the hook is the same, so the difference is the crossing into Lua and back. Figures
 * are medians of all rounds, processor time of the thread and wall time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../unit/temp.h"
#include "conf/diag.h"
#include "host/generation.h"
#include "host/script_state.h"

#define EVENTS	    20000
#define ROUNDS	    31
#define ROUNDS_MOST 1001
/* What an empty hook in Lua may cost more than one in C. */
#define WANTED_NS 1000.0

/* Each rule has one hook, so nothing else runs. */
static const struct scene {
	const char *what;
	enum cm_stage stage;
	const char *rule;
} scenes[] = {
	{"helo, empty", CM_STAGE_HELO, "function helo(m, name) end"},
	{"mail, empty", CM_STAGE_MAIL, "function mail(m, from) end"},
	{"helo, compares its argument", CM_STAGE_HELO,
		"function helo(m, name) if name == 'mx.example.com' then return reject('x') end "
		"end"},
	{"mail, reads sender, client and login", CM_STAGE_MAIL,
		"function mail(m, from) if from.domain == 'x' or m.client.ip == 'x' or m.auth then "
		"return reject('x') end end"},
};

enum { SCENES = sizeof(scenes) / sizeof(*scenes) };

struct side {
	struct generation *g;
	struct cm_session *s;
};

struct times {
	double cpu[ROUNDS_MOST], wall[ROUNDS_MOST]; /* nanoseconds of one event */
};

static char *plugin_dir;
static char dir[TEMP_NAME_SIZE];
static const struct cm_address sender = {
	.text = "<a@example.org>",
	.addr = "a@example.org",
	.user = "a",
	.domain = "example.org",
	.valid = true,
};

static void
die(const char *what)
{
	fprintf(stderr, "bench_lua: %s\n", what);
	exit(1);
}

static void
write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		die("cannot write a configuration");
}

static void
remove_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

static struct generation *
load(const char *sections)
{
	struct diag *diag = diag_new();
	struct generation *g;
	char text[1024], path[128];

	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%s\"; authserv_id = mx.test }\n"
		"listener l { socket = inet:10025@127.0.0.1 }\n%s",
		plugin_dir, sections);
	write_file("filter.conf", text);
	snprintf(path, sizeof(path), "%s/filter.conf", dir);
	g = generation_load(path, diag);
	if (g == NULL)
		diag_print(diag, stderr);
	diag_free(diag);
	remove_file("filter.conf");
	if (g == NULL)
		die("cannot load a configuration");
	return g;
}

static struct generation *
load_rule(const char *rule)
{
	struct generation *g;

	write_file("rule.lua", rule);
	g = load("profile p { chain = [ rule ] }\nscript rule { file = rule.lua }\n");
	remove_file("rule.lua");
	return g;
}

/* --- events --- */

static void
greet(struct cm_session *s)
{
	struct answer answer;

	session_macros_begin(s, CM_STAGE_HELO);
	chain_event(
		s, &(struct cm_event){.stage = CM_STAGE_HELO, .name = "mail.example.org"}, &answer);
	if (answer.verdict != CM_CONTINUE)
		die("a hook failed");
}

static struct side
open_side(struct generation *g)
{
	struct side side = {.g = g, .s = session_new(&g->chain.limits, "l")};
	struct net_addr addr;
	struct answer answer;

	if (!net_parse(&addr, "192.0.2.1"))
		die("no address");
	side.s->macros_asked = true;
	chain_open(&g->chain, side.s);
	session_macros_begin(side.s, CM_STAGE_CONNECT);
	session_macro_add(side.s, CM_STAGE_CONNECT, "{daemon_port}", "25");
	session_set_client(side.s, "mail.example.org", &addr, 40000);
	chain_event(side.s, &(struct cm_event){.stage = CM_STAGE_CONNECT, .name = "x"}, &answer);
	greet(side.s);
	return side;
}

static void
close_side(struct side *side)
{
	chain_close(side->s);
	session_free(side->s);
	generation_drop(side->g);
}

static void
send_mail(struct cm_session *s)
{
	static const char *const none[] = {NULL};
	struct answer answer;

	session_macros_begin(s, CM_STAGE_MAIL);
	chain_event(s, &(struct cm_event){.stage = CM_STAGE_MAIL, .address = &sender, .args = none},
		&answer);
	if (answer.verdict != CM_CONTINUE)
		die("a hook failed");
	chain_end_message(s);
}

static double
nanoseconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
measure(const struct side *side, enum cm_stage stage, double *cpu, double *wall)
{
	double cpu_began = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
	double wall_began = nanoseconds(CLOCK_MONOTONIC);

	for (int i = 0; i < EVENTS; i++) {
		if (stage == CM_STAGE_HELO)
			greet(side->s);
		else
			send_mail(side->s);
	}
	*wall = (nanoseconds(CLOCK_MONOTONIC) - wall_began) / EVENTS;
	*cpu = (nanoseconds(CLOCK_THREAD_CPUTIME_ID) - cpu_began) / EVENTS;
}

/* --- figures --- */

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_size);
	return values[count / 2];
}

/* The crossing in nanoseconds of processor time. */
static double
compare(const struct scene *scene, int rounds)
{
	static struct times c, lua, more;
	struct side sides[] = {open_side(load("profile p { chain = [ empty ] }\n"
					      "plugin empty { }\n")),
		open_side(load_rule(scene->rule))};
	double cpu;

	for (int i = 0; i < rounds; i++) {
		struct times *const of[] = {&c, &lua};

		for (int turn = 0; turn < 2; turn++) {
			int n = (turn + i) % 2;

			measure(&sides[n], scene->stage, &of[n]->cpu[i], &of[n]->wall[i]);
		}
		more.cpu[i] = lua.cpu[i] - c.cpu[i];
		more.wall[i] = lua.wall[i] - c.wall[i];
	}
	close_side(&sides[0]);
	close_side(&sides[1]);
	cpu = median(more.cpu, rounds);
	printf("| %s | %.0f | %.0f | **%.0f** (%.0f to %.0f) | %.0f |\n", scene->what,
		median(c.cpu, rounds), median(lua.cpu, rounds), cpu, more.cpu[0],
		more.cpu[rounds - 1], median(more.wall, rounds));
	return cpu;
}

/* What a state holds after its garbage was collected. */
static size_t
state_octets(const struct script_state *st)
{
	lua_gc(st->L, LUA_GCCOLLECT);
	return st->memory.used;
}

static void
print_states(const char *what, const char *rule)
{
	struct side side = open_side(load_rule(rule));
	const struct script_host *host = side.g->scripts;
	size_t octets = 0;

	for (int i = 0; i < EVENTS; i++) {
		greet(side.s);
		send_mail(side.s);
	}
	for (size_t i = 0; i < host->state_count; i++)
		octets += state_octets(host->states[i]);
	printf("| %s | %zu | %.1f |\n", what, host->state_count,
		(double)octets / (double)host->state_count / 1024);
	close_side(&side);
}

int
main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : ROUNDS;
	bool good = true;

	if (argc < 2 || rounds < 1 || rounds > ROUNDS_MOST) {
		fprintf(stderr, "usage: bench_lua PLUGIN_DIR [ROUNDS]\n");
		return 2;
	}
	plugin_dir = realpath(argv[1], NULL);
	if (plugin_dir == NULL)
		die("no such directory of plugins");
	if (!temp_dir(dir, "chainmail-bench"))
		die("no directory");
	printf("| ns of one event | empty hook in C | in Lua | more (least to most) | more, wall "
	       "time |\n| --- | --- | --- | --- | --- |\n");
	for (int i = 0; i < SCENES; i++) {
		double more = compare(&scenes[i], rounds);

		good = good && (strstr(scenes[i].what, "empty") == NULL || more <= WANTED_NS);
	}
	printf("\n| Lua states | of a daemon | KB of each |\n| --- | --- | --- |\n");
	for (int i = 1; i < SCENES; i += 2)
		print_states(scenes[i].what, scenes[i].rule);
	rmdir(dir);
	free(plugin_dir);
	if (!good)
		fprintf(stderr, "bench_lua: an empty hook in Lua costs more than %.0f ns\n",
			WANTED_NS);
	return good ? 0 : 1;
}
