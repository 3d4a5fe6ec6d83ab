/* SPDX-License-Identifier: MIT */
/*
 * arc.c - the ARC check on the cases of a suite
 *
 * usage: arc [--print] FILE. Each line of the file is a case, its fields apart by tabs: name,
 * message, keys (files beside FILE), and the status that is right; without the last one and
 * with --print it only says what came out, with tabs: name, status, oldest pass, reason.
 *
 * usage: arc --seal KEY DOMAIN SELECTOR CV RESULTS TIME FILE prints the three fields of the next
 * set of that message; RESULTS is what follows "i=N; ".
 */
#include "arc_message.h"

#define LINE_OCTETS 4096

enum field { NAME, MESSAGE, KEYS, STATUS, FIELDS };

/* Cases of the suite that say what the standards do not; README.md has the reasons. */
static const struct {
	const char *name, *status;
} deviations[] = {
	{"ams_fields_c_na", "fail"},
	{"ams_fields_h_empty", "fail"},
};

static unsigned passed, failed, deviating;

static void
split(char *line, const char *fields[FIELDS])
{
	for (int i = 0; i < FIELDS; i++) {
		fields[i] = line == NULL ? "" : line;
		if (line != NULL)
			line = strpbrk(line, "\t\n");
		if (line != NULL)
			*line++ = '\0';
	}
}

static const char *
wanted(const char *fields[FIELDS])
{
	for (size_t i = 0; i < sizeof(deviations) / sizeof(*deviations); i++) {
		if (strcmp(deviations[i].name, fields[NAME]) == 0) {
			deviating++;
			return deviations[i].status;
		}
	}
	return fields[STATUS];
}

static void
judge(const char *fields[FIELDS], const struct arc_result *r)
{
	const char *status = arc_status_name(r->status), *want = wanted(fields);

	if (strcmp(status, want) == 0) {
		passed++;
		return;
	}
	failed++;
	printf("FAIL %s: %s (i=%u, %s); want %s\n", fields[NAME], status, r->instance, r->reason,
		want);
}

static bool
run_case(const char *dir, const char *fields[FIELDS], bool show)
{
	char path[2 * LINE_OCTETS], *text, *keys;
	struct arc_message m;
	struct arc_result r;
	size_t len, keys_len;

	snprintf(path, sizeof(path), "%s/%s", dir, fields[MESSAGE]);
	text = arc_read_file(path, &len);
	snprintf(path, sizeof(path), "%s/%s", dir, fields[KEYS]);
	keys = arc_read_file(path, &keys_len);
	if (text == NULL || keys == NULL) {
		fprintf(stderr, "arc: %s: its message or keys cannot be read\n", fields[NAME]);
		return false;
	}
	arc_message_split(&m, text, len);
	arc_message_check(&m, keys, 1800000000, &r);
	arc_message_free(&m);
	free(keys);
	if (show)
		printf("%s\t%s\t%u\t%s\n", fields[NAME], arc_status_name(r.status), r.oldest_pass,
			r.reason);
	else
		judge(fields, &r);
	return true;
}

static int
seal(char **argv)
{
	struct arc_sealer sealer = {.domain = argv[3],
		.selector = argv[4],
		.status = strcmp(argv[5], "pass") == 0	 ? ARC_PASS
			  : strcmp(argv[5], "fail") == 0 ? ARC_FAIL
							 : ARC_NONE,
		.results = argv[6],
		.now = strtoll(argv[7], NULL, 10)};
	char why[DKIM_PRIVATE_WHY], *text, *fields;
	struct dkim_private *key = dkim_private_read(argv[2], why, sizeof(why));
	struct arc_message m;
	size_t len;

	text = arc_read_file(argv[8], &len);
	if (text == NULL || key == NULL) {
		fprintf(stderr, "arc: %s\n", text == NULL ? "no message" : why);
		free(text);
		dkim_private_free(key);
		return 2;
	}
	sealer.key = key;
	arc_message_split(&m, text, len);
	fields = arc_message_seal(&m, &sealer);
	if (fields != NULL)
		fputs(fields, stdout);
	free(fields);
	arc_message_free(&m);
	dkim_private_free(key);
	return fields == NULL;
}

int
main(int argc, char **argv)
{
	bool show = argc == 3 && strcmp(argv[1], "--print") == 0;
	FILE *f = argc == 2 || show ? fopen(argv[argc - 1], "r") : NULL;
	const char *fields[FIELDS];
	char line[LINE_OCTETS], *slash;

	if (argc == 9 && strcmp(argv[1], "--seal") == 0)
		return seal(argv);
	if (f == NULL) {
		fprintf(stderr, "usage: arc [--print] FILE: a file of cases that can be read\n");
		return 2;
	}
	slash = strrchr(argv[argc - 1], '/');
	if (slash != NULL)
		*slash = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		split(line, fields);
		if (!run_case(slash == NULL ? "." : argv[argc - 1], fields, show))
			return 2;
	}
	fclose(f);
	if (!show)
		printf("%u passed, %u failed, %u where the standards say otherwise\n", passed,
			failed, deviating);
	return failed != 0 || (passed == 0 && !show);
}
