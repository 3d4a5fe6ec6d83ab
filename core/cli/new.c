/* SPDX-License-Identifier: MIT */
/*
 * new.c - chainmail new rule: files to begin a rule with
 *
 * A rule that does something, a test that it passes, and what tells editors where the types are. It
 * needs no daemon and no configuration, and replaces nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli.h"
#include "standard.h"

#define NAME_LEAST 1u
#define NAME_MOST  60u
#define TEST	   "_test"
#define DIR_USUAL  "scripts"

struct new_args {
	const char *config, *dir;
};

#define ARG(field) offsetof(struct new_args, field)

static const struct cli_option options[] = {
	{"config", 'c', CLI_PATH, ARG(config), "FILE",
		"beside which the directory is; " CLI_CONFIG_HELP},
	{"dir", 0, CLI_PATH, ARG(dir), "DIR",
		"where the files are written; default: " DIR_USUAL " beside the configuration"},
};

/* --- what is written; $ stands for the name --- */

static const char rule_text[] =
	"-- $: refuses mail from domains that nobody should send from. Make it yours.\n"
	"--\n"
	"-- A function named after a stage is a hook: connect helo mail rcpt data headers message "
	"done.\n"
	"-- Everything else is local. A hook returns its verdict, and nothing where it has no "
	"opinion.\n"
	"local refused = settings.refused or { \"example.invalid\", \"localhost.localdomain\" }\n"
	"\n"
	"function mail(m, from)\n"
	"    if m:from_trusted() then return end\n"
	"    for _, domain in ipairs(refused) do\n"
	"        if from.domain == domain then\n"
	"            return reject(\"5.7.1\", \"Mail from \" .. domain .. \" is not taken here\")\n"
	"        end\n"
	"    end\n"
	"end\n";

static const char test_text[] = "-- Tests of $.lua: no mail server, no network, no waiting. Each "
				"case is a session of its own.\n"
				"case \"a domain that is refused\" { }\n"
				"    :mail \"ann@example.invalid\" :expect \"reject 550 5.7.1\"\n"
				"\n"
				"case \"a domain that the settings name\" { settings = { refused = "
				"{ \"example.net\" } } }\n"
				"    :mail \"ann@example.net\" :expect \"reject 550 5.7.1\"\n"
				"\n"
				"case \"a network of ours may send anything\" { trusted = true }\n"
				"    :mail \"ann@example.invalid\" :expect \"nothing\"\n"
				"\n"
				"case \"everybody else\" { }\n"
				"    :mail \"ann@example.org\" :expect \"nothing\"\n";

static const char luarc_text[] = "{\n"
				 "    \"runtime.version\": \"Lua 5.4\",\n"
				 "    \"workspace.library\": [ \"" CHAINMAIL_LUA_DIR "\" ],\n"
				 "    \"diagnostics.disable\": [ \"lowercase-global\" ]\n"
				 "}\n";

/* In the order in which they are written. */
static const struct file {
	const char *before, *behind; /* the name */
	const char *text;
	bool shared; /* one for all rules of the directory */
} files[] = {
	{"", ".lua", rule_text, false},
	{"", TEST ".lua", test_text, false},
	{".luarc.json", NULL, luarc_text, true},
};

#define FILES (sizeof(files) / sizeof(*files))

struct making {
	const char *name, *dir;
	char paths[FILES][PATH_MAX];
	bool written[FILES];
};

/* --- files --- */

static bool
say_failure(const char *path, const char *why)
{
	fprintf(stderr, "chainmail new: %s: %s\n", path, why);
	return false;
}

static void
fill(struct buf *out, const char *text, const char *name)
{
	for (; *text != '\0'; text++) {
		if (*text == '$')
			buf_add_str(out, name);
		else
			buf_add_char(out, *text);
	}
}

static bool
write_all(int fd, const struct buf *text)
{
	for (size_t done = 0; done < text->len;) {
		ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0 && errno != EINTR)
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* What is there stays, and so does what a link leads to. */
static bool
write_new(const char *path, const char *text, const char *name, bool *written)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	struct buf filled;
	bool good;

	if (fd < 0)
		return say_failure(path, strerror(errno));
	*written = true;
	buf_init(&filled, 0);
	fill(&filled, text, name);
	good = write_all(fd, &filled);
	buf_fini(&filled);
	if (close(fd) != 0)
		good = false;
	return good || say_failure(path, strerror(errno));
}

static bool
is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static bool
name_files(struct making *m)
{
	for (size_t i = 0; i < FILES; i++) {
		const struct file *f = &files[i];
		int len = snprintf(m->paths[i], PATH_MAX, "%s/%s%s%s", m->dir, f->before,
			f->behind != NULL ? m->name : "", f->behind != NULL ? f->behind : "");

		if (len >= PATH_MAX)
			return say_failure(m->dir, strerror(ENAMETOOLONG));
		if (!f->shared && is_there(m->paths[i]))
			return say_failure(m->paths[i],
				"is there already, and nothing was written; take another name");
	}
	return true;
}

/* All of them, or none. */
static bool
write_files(struct making *m)
{
	bool good = true;
	sigset_t before;

	standard_defer(&before);
	for (size_t i = 0; good && i < FILES; i++) {
		const struct file *f = &files[i];

		if (!f->shared || !is_there(m->paths[i]))
			good = write_new(m->paths[i], f->text, m->name, &m->written[i]);
	}
	for (size_t i = 0; i < FILES; i++) {
		if (!good && m->written[i])
			unlink(m->paths[i]);
		else if (good)
			printf("%s %s\n", m->written[i] ? "wrote" : "kept ", m->paths[i]);
	}
	standard_resume(&before);
	return good;
}

/* --- where, and what to do next --- */

/* The directory, as relative names of the configuration begin. */
static const char *
config_dir(const char *config, char out[PATH_MAX])
{
	const char *slash = strrchr(config, '/');

	if (slash == NULL)
		return ".";
	snprintf(out, PATH_MAX, "%.*s", slash == config ? 1 : (int)(slash - config), config);
	return out;
}

/* How the configuration names the directory: relative where it is below that of the configuration.
 */
static const char *
named_dir(const char *config, const char *dir, char out[PATH_MAX])
{
	char beside[PATH_MAX], room[PATH_MAX];
	size_t len;

	if (realpath(dir, out) == NULL)
		return dir;
	if (realpath(config_dir(config, room), beside) == NULL)
		return out;
	len = strlen(beside);
	if (strncmp(out, beside, len) == 0 && out[len] == '/' && len > 1)
		return out + len + 1;
	return out;
}

static void
print_next(const struct making *m, const char *config)
{
	char room[PATH_MAX];
	const char *dir = named_dir(config, m->dir, room);

	printf("\nwhat comes next:\n"
	       "    write the rule and its test     chainmail test %s\n"
	       "    name it in filter.conf          script %s { file = \"%s/%s.lua\"; mode = "
	       "shadow }\n"
	       "    and in the chain of a profile   chain = [ ..., %s ]\n"
	       "    look whether all is right       chainmail check\n"
	       "    load it                         chainmail reload\n"
	       "    watch it                        chainmail log -f --plugin %s\n"
	       "In shadow mode it refuses nothing. When the log looks right, take that out and "
	       "reload.\n",
		m->dir, m->name, dir, m->name, m->name, m->name);
}

/* --- the command --- */

/* A name in filter.conf, of a file, and in a sentence. */
static int
check_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
	size_t test = strlen(TEST);

	if (name[len] != '\0' || len < NAME_LEAST || len > NAME_MOST || name[0] < 'a')
		return cli_usage(&command_new,
			"a name has small letters, digits and _, begins with a letter, and has %u "
			"at "
			"most",
			NAME_MOST);
	if (len > test && strcmp(name + len - test, TEST) == 0)
		return cli_usage(&command_new, "%s.lua would be the test of another rule", name);
	return EXIT_OK;
}

static bool
make_dir(const char *dir)
{
	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		return true;
	say_failure(dir, strerror(errno));
	fprintf(stderr, "say where: chainmail new rule NAME --dir DIR\n");
	return false;
}

static int
make(const char *name, const struct new_args *args)
{
	const char *config = cli_config_path(args->config);
	static struct making m;
	char beside[PATH_MAX], usual[PATH_MAX + sizeof(DIR_USUAL) + 1];

	snprintf(usual, sizeof(usual), "%s/" DIR_USUAL, config_dir(config, beside));
	m = (struct making){.name = name, .dir = args->dir != NULL ? args->dir : usual};
	if (args->dir == NULL && strncmp(usual, "./", 2) == 0)
		m.dir = usual + 2;
	if (!make_dir(m.dir) || !name_files(&m) || !write_files(&m))
		return EXIT_NO;
	print_next(&m, config);
	return EXIT_OK;
}

static int
run(int argc, char **argv)
{
	struct new_args args = {.dir = NULL};
	int operand = cli_parse(&command_new, argc, argv, &args);

	if (operand < 0)
		return EXIT_USAGE;
	if (operand + 2 != argc || strcmp(argv[operand], "rule") != 0)
		return cli_usage(&command_new, "say what: chainmail new rule NAME");
	if (check_name(argv[operand + 1]) != EXIT_OK)
		return EXIT_USAGE;
	return make(argv[operand + 1], &args);
}

const struct command command_new = {
	.name = "new",
	.operands = "rule NAME [--dir DIR]",
	.help = "write a rule to begin with, and its test",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.run = run,
};
