/* SPDX-License-Identifier: MIT */
/*
 * spf.c - the SPF check on the cases of a suite
 *
 * usage: spf [--print] FILE. Each line of the file is a case, its fields apart by tabs: zone file
 * (beside FILE), name, client, HELO name, sender, results that are right (apart by commas), and the
 * explanation: "-" is not compared, "DEFAULT" is none. Fields from results on may be missing with
 * --print, which only says what came out, with tabs: name, result, explanation, lookups, voids,
 * problem.
 */
#include <stdlib.h>
#include <string.h>

#include "spf_zone.h"

#define LINE_OCTETS 65536

enum field { ZONE, NAME, CLIENT, HELO, SENDER, RESULTS, EXPLANATION, FIELDS };

static unsigned passed, failed;

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

static bool
listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)) != NULL; p++) {
		if ((p == list || p[-1] == ',') && (p[len] == ',' || p[len] == '\0'))
			return true;
	}
	return false;
}

static bool
explained(const char *wanted, const struct spf_result *result)
{
	if (strcmp(wanted, "-") == 0 || result->code != SPF_FAIL)
		return true;
	return strcmp(strcmp(wanted, "DEFAULT") == 0 ? "" : wanted, result->explanation) == 0;
}

static void
judge(const char *fields[FIELDS], const struct spf_result *result)
{
	const char *code = spf_code_name(result->code);

	if (listed(fields[RESULTS], code) && explained(fields[EXPLANATION], result) &&
		result->questions <= SPF_MAX_QUESTIONS) {
		passed++;
		return;
	}
	failed++;
	printf("FAIL %s: %s \"%s\" (%s); want %s \"%s\"\n", fields[NAME], code, result->explanation,
		result->problem, fields[RESULTS], fields[EXPLANATION]);
}

static void
print(const char *fields[FIELDS], const struct spf_result *result)
{
	printf("%s\t%s\t%s\t%u\t%u\t%s\n", fields[NAME], spf_code_name(result->code),
		result->explanation, result->lookups, result->voids, result->problem);
}

static bool
run_case(const char *dir, const char *fields[FIELDS], bool show)
{
	static char current[LINE_OCTETS];
	static struct spf_zone zone;
	struct spf_result result;
	char path[LINE_OCTETS];

	snprintf(path, sizeof(path), "%s/%s", dir, fields[ZONE]);
	if (strcmp(path, current) != 0) {
		if (current[0] != '\0')
			spf_zone_close(&zone);
		memcpy(current, path, sizeof(current));
		if (!spf_zone_open(&zone, path))
			return false;
	}
	spf_zone_check(&zone, fields[CLIENT], fields[HELO], fields[SENDER], &result);
	(show ? print : judge)(fields, &result);
	return true;
}

int
main(int argc, char **argv)
{
	bool show = argc == 3 && strcmp(argv[1], "--print") == 0;
	FILE *f = argc == 2 || show ? fopen(argv[argc - 1], "r") : NULL;
	const char *fields[FIELDS];
	char line[LINE_OCTETS], *slash;

	if (f == NULL) {
		fprintf(stderr, "usage: spf [--print] FILE: a file of cases that can be read\n");
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
		printf("%u passed, %u failed\n", passed, failed);
	return failed != 0 || (passed == 0 && !show);
}
