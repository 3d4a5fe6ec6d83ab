/* SPDX-License-Identifier: MIT */
/*
 * dmarc.c - the DMARC check on cases of others, for whoever compares
 *
 * usage: dmarc FILE: each line is a case, its fields apart by tabs: zone file (beside FILE), author
 * domain, identifiers ("spf:a.test dkim:b.test dkim?c.test", where ? is a temporary error). What
 * came out is printed with tabs: result, alignment of SPF, of DKIM, organizational domain, domain
 * of the policy, what it wants, questions. dmarc --psl: reads names, prints what is registered of
 * each by the public suffix list.
 */
#include "dmarc_zone.h"

#define LINE_OCTETS 65536
#define FIELDS	    3

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
run_case(const char *dir, const char *fields[FIELDS])
{
	struct dmarc_zone zone;
	struct dmarc_result r;
	char path[LINE_OCTETS], author[DMARC_NAME_SIZE];

	snprintf(path, sizeof(path), "%s/%s", dir, fields[0]);
	if (!dmarc_name(author, fields[1]) || !dmarc_zone_open(&zone, path))
		return false;
	dmarc_zone_check(&zone, DMARC_BY_TREE, NULL, author, fields[2], &r);
	printf("%s\t%d\t%d\t%s\t%s\t%s\t%zu\n", dmarc_code_names[r.code], r.spf_aligned,
		r.dkim_aligned, r.walk.failed ? "-" : dmarc_walk_org(&r.walk),
		r.step == NULL ? "-" : r.step->name,
		r.step == NULL ? "-" : dmarc_request_names[r.wanted], zone.count);
	dmarc_zone_close(&zone);
	return true;
}

/* "-" for what is no name, and for a suffix. */
static int
print_registered(void)
{
	struct dmarc_psl *psl = dmarc_psl_open();
	char line[LINE_OCTETS], name[DMARC_NAME_SIZE];

	if (psl == NULL) {
		fprintf(stderr, "dmarc: there is no public suffix list\n");
		return 2;
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (!dmarc_name(name, line) || dmarc_psl_is_suffix(psl, name))
			printf("-\n");
		else
			printf("%s\n", dmarc_psl_org(psl, name));
	}
	dmarc_psl_close(psl);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *fields[FIELDS];
	char line[LINE_OCTETS], *slash;
	FILE *f;

	if (argc == 2 && strcmp(argv[1], "--psl") == 0)
		return print_registered();
	f = argc == 2 ? fopen(argv[1], "r") : NULL;
	if (f == NULL) {
		fprintf(stderr,
			"usage: dmarc FILE: a file of cases that can be read; dmarc --psl\n");
		return 2;
	}
	slash = strrchr(argv[1], '/');
	if (slash != NULL)
		*slash = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		split(line, fields);
		if (!run_case(slash == NULL ? "." : argv[1], fields))
			return 2;
	}
	fclose(f);
	return 0;
}
