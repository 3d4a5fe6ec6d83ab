/* SPDX-License-Identifier: MIT */
/*
 * fuzz_lists.c - any octets as a line of dnsbl, as a name that lists are asked for, as a HELO name
 *
 * What is refused is refused with words, what is asked for is plainly a name, and no address but
 * those of lists is an entry.
 */
#include "../../plugins/rdns.c"

#include <stdint.h>
#include <stdlib.h>

#include "../../plugins/dnsbl/dnsbl.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_line(const char *text)
{
	struct dnsbl_rule r = {0};
	struct dnsbl_list l;
	char why[256] = "";

	if (dnsbl_rule_parse(&r, text, why, sizeof(why))) {
		dnsbl_list_init(&l, &r);
		must(r.code_count <= DNSBL_CODES_MOST && r.about < 1u << DNSBL_SUBJECTS);
		must(strlen(l.never) > strlen(r.zone));
	} else {
		must(why[0] != '\0');
	}
	free(r.line);
}

static void
check_question(const char *text)
{
	char out[DNSBL_QUESTION_SIZE];

	if (dnsbl_question(out, text, false, "bl.example")) {
		must(strlen(out) < sizeof(out) && strspn(out, LABEL_CHARS ".") == strlen(out));
		must(strcmp(out + strlen(out) - strlen(".bl.example"), ".bl.example") == 0);
	}
	if (is_host_name(text))
		must(dnsbl_question(out, text, false, "bl.example") || strlen(text) > 200);
	if (text[0] == '[' && judge_literal(text, "192.0.2.1") == &helo_good)
		must(strstr(text, "192.0.2.1]") != NULL || strchr(text, ':') != NULL);
}

/* The text as a code, and octets as what a list answers. */
static void
check_answer(const char *text, const unsigned char octets[4])
{
	const struct cm_dns_record record = {.text = "", .address = octets};
	const struct cm_dns_answer answer = {CM_DNS_FOUND, .count = 1, .records = &record};
	struct dnsbl_rule r = {0};
	const char *code = NULL;
	char why[256] = "";

	if (dnsbl_check_code(text, why, sizeof(why)))
		dnsbl_add_code(&r, text);
	if (dnsbl_judge(&answer, &r, &code) != DNSBL_LISTED)
		return;
	must(code != NULL && octets[0] == 127 && (octets[1] != 255 || octets[2] != 255));
	must(octets[1] != 0 || octets[2] != 0 || octets[3] > 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	must(text != NULL);
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	check_line(text);
	check_question(text);
	if (len >= 4)
		check_answer(text + 4, data);
	free(text);
	return 0;
}
