/* SPDX-License-Identifier: MIT */
/*
 * dkim.c - messages and keys of a file, verified by both engines, against what is wanted
 *
 * usage: dkim FILE. Its lines have fields with tabs between:
 *   case NAME MESSAGE NOW WANT    MESSAGE: a file; WANT: "pass fail", "none" without signatures,
 *                                 "!pass" for anything but that
 *   key NAME TEXT                 of the case above; without TEXT DNS does not answer
 */
#include <stdio.h>

#include "../unit/dkim_case.h"

#define KEYS_MOST 64u

static const struct dkim_engine *const engines[] = {&dkim_native, &dkim_opendkim};

struct test {
	char *line; /* name and the rest are in it */
	const char *name, *message, *want;
	int64_t now;
	size_t key_count;
	struct dkim_case_key keys[KEYS_MOST];
	char *key_lines[KEYS_MOST];
};

static char *
read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	size_t room = 0;

	*len = 0;
	if (f == NULL)
		return NULL;
	while (!feof(f) && !ferror(f)) {
		if (room - *len < 65536)
			text = realloc(text, room += 1 << 20);
		if (text == NULL)
			abort();
		*len += fread(text + *len, 1, room - *len, f);
	}
	fclose(f);
	return text;
}

static void
results(const struct dkim_case *c, char *out, size_t size)
{
	size_t len = 0;

	snprintf(out, size, "none");
	for (size_t i = 0; i < c->found.count; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", i > 0 ? " " : "",
			dkim_code_name(c->all[i].code));
}

static bool
run_engine(const struct test *t, const char *text, size_t len, const struct dkim_engine *e,
	size_t piece)
{
	struct dkim_case *c = malloc(sizeof(*c));
	char got[256];
	bool good;

	if (c == NULL)
		abort();
	dkim_case_init(c, text, len, false);
	dkim_case_verify(c, e, "", t->now, piece, t->keys, t->key_count, &dkim_case_strict);
	results(c, got, sizeof(got));
	good = t->want[0] == '!' ? strcmp(got, t->want + 1) != 0 : strcmp(got, t->want) == 0;
	if (!good)
		printf("not ok: %s (%s, pieces of %zu): %s, wanted %s; %s\n", t->name, e->name,
			piece, got, t->want, c->found.count > 0 ? c->all[0].reason : "");
	dkim_case_fini(c);
	free(c);
	return good;
}

/* By both engines, in pieces of several sizes. */
static bool
run_test(const struct test *t)
{
	static const size_t pieces[] = {7, 1000, 65535};
	bool good = true;
	size_t len;
	char *text = read_file(t->message, &len);

	if (text == NULL) {
		printf("not ok: %s: cannot read %s\n", t->name, t->message);
		return false;
	}
	for (size_t e = 0; e < 2; e++) {
		for (size_t p = 0; p < sizeof(pieces) / sizeof(*pieces); p++)
			good = run_engine(t, text, len, engines[e], pieces[p]) && good;
	}
	free(text);
	return good;
}

static void
end_test(struct test *t)
{
	for (size_t i = 0; i < t->key_count; i++)
		free(t->key_lines[i]);
	free(t->line);
	*t = (struct test){0};
}

/* Up to the next tab, which ends it; "" at the end. */
static char *
field(char **at)
{
	char *text = *at;

	*at += strcspn(text, "\t\n");
	if (**at != '\0')
		*(*at)++ = '\0';
	return text;
}

static bool
begin_test(struct test *t, const char *line)
{
	char *at = t->line = strdup(line);

	(void)field(&at);
	t->name = field(&at);
	t->message = field(&at);
	t->now = strtoll(field(&at), NULL, 10);
	t->want = field(&at);
	return t->want[0] != '\0';
}

static bool
add_key(struct test *t, const char *line)
{
	char *at = strdup(line);

	if (t->key_count == KEYS_MOST || t->line == NULL) {
		free(at);
		return false;
	}
	t->key_lines[t->key_count] = at;
	(void)field(&at);
	t->keys[t->key_count].name = field(&at);
	t->keys[t->key_count].text = at[0] == '\0' ? NULL : field(&at);
	t->key_count++;
	return true;
}

static void
conclude(struct test *t, unsigned *passed, unsigned *failed)
{
	if (t->line == NULL)
		return;
	if (run_test(t))
		++*passed;
	else
		++*failed;
	end_test(t);
}

int
main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
	unsigned passed = 0, failed = 0;
	struct test t = {0};
	char *line = NULL;
	size_t size = 0;
	bool good = true;

	if (f == NULL) {
		fprintf(stderr, "usage: dkim FILE\n");
		return 2;
	}
	while (good && getline(&line, &size, f) > 0) {
		if (strncmp(line, "case\t", 5) == 0) {
			conclude(&t, &passed, &failed);
			good = begin_test(&t, line);
		} else {
			good = strncmp(line, "key\t", 4) == 0 && add_key(&t, line);
		}
	}
	if (!good)
		fprintf(stderr, "dkim: %s: a line that is none: %s", argv[1], line);
	conclude(&t, &passed, &failed);
	free(line);
	fclose(f);
	printf("dkim: %u passed, %u failed\n", passed, failed);
	return !good || failed > 0 || passed == 0;
}
