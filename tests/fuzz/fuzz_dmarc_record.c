/* SPDX-License-Identifier: MIT */
/*
 * fuzz_dmarc_record.c - DMARC records, and a walk from record to record
 *
 * The first line of the input is a name; the others are what each question of the walk gets, and
 * "!" is a fault of DNS. Whatever was published, a record is what it is with an unknown tag behind
 * it, a walk ends, and what it finds is the name or above it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/dmarc/dmarc_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MORE ";x=y"

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
must_be_inside(struct dmarc_slice s, const char *text, size_t len)
{
	must(s.len == 0 || (s.text >= text && s.text + s.len <= text + len));
}

static void
must_be_same(const struct dmarc_record *a, const struct dmarc_record *b)
{
	must(a->p == b->p && a->sp == b->sp && a->np == b->np && a->psd == b->psd);
	must(a->strict_dkim == b->strict_dkim && a->strict_spf == b->strict_spf);
	must(a->testing == b->testing && a->bad_request == b->bad_request);
	must(a->rua.len == b->rua.len && a->fo.len == b->fo.len);
}

/* The text is copied, so that reading behind it is found. */
static void
check_record(const char *text, size_t len)
{
	char *copy = malloc(len + 1), *longer = malloc(len + sizeof(MORE));
	struct dmarc_record r, other;
	struct dmarc_slice rest, uri;
	size_t count = 0;
	bool found;

	memcpy(copy, text, len);
	memcpy(longer, text, len);
	memcpy(longer + len, MORE, sizeof(MORE));
	copy = realloc(copy, len > 0 ? len : 1);
	found = dmarc_record_parse(&r, copy, len);
	must(found == dmarc_record_parse(&other, longer, len + strlen(MORE)));
	if (found) {
		must(len >= 8 && (copy[0] == 'v' || copy[0] == 'V'));
		must(r.p <= DMARC_REQUESTS && r.sp <= DMARC_REQUESTS && r.np <= DMARC_REQUESTS);
		must_be_inside(r.rua, copy, len);
		must_be_inside(r.fo, copy, len);
		for (rest = r.rua; dmarc_record_rua(&rest, &uri); count++)
			must_be_inside(uri, copy, len);
		must((r.rua.len > 0) == (count > 0));
		must_be_same(&r, &other);
	}
	free(copy);
	free(longer);
}

/* The next line; rest becomes what is behind it. */
static struct dmarc_slice
line(struct dmarc_slice *rest)
{
	const char *end = rest->len == 0 ? NULL : memchr(rest->text, '\n', rest->len);
	size_t len = end == NULL ? rest->len : (size_t)(end - rest->text);
	struct dmarc_slice found = {rest->text, len};

	rest->text += len + (end != NULL);
	rest->len -= len + (end != NULL);
	return found;
}

static void
check_walk(const char *name, struct dmarc_slice rest)
{
	char question[DMARC_QUESTION_SIZE];
	const struct dmarc_step *policy;
	struct dmarc_walk w;
	size_t i, asked = 0;

	dmarc_walk_begin(&w, name);
	while (dmarc_walk_next(&w, &i)) {
		struct dmarc_slice text = line(&rest);
		struct cm_dns_record record = {.text = text.text, .len = text.len};
		struct cm_dns_answer a = {.status = CM_DNS_FOUND, .count = 1, .records = &record};

		if (text.len == 1 && text.text[0] == '!')
			a = (struct cm_dns_answer){.status = CM_DNS_TIMEOUT};
		dmarc_walk_question(&w, i, question);
		must(strncmp(question, DMARC_PREFIX, strlen(DMARC_PREFIX)) == 0);
		must(dmarc_name_within(name, question + strlen(DMARC_PREFIX)));
		must(++asked <= DMARC_WALK_MOST);
		dmarc_walk_answer(&w, &a);
	}
	policy = dmarc_walk_policy(&w);
	must(policy == NULL || policy->found);
	must(w.failed || dmarc_name_within(name, dmarc_walk_org(&w)));
	must(w.failed || policy != NULL || dmarc_walk_empty(&w) || dmarc_walk_org(&w) != w.start ||
		!w.steps[0].found);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dmarc_slice rest = {(const char *)data, len}, first;
	char name[DMARC_NAME_SIZE], again[DMARC_NAME_SIZE], text[512] = "";

	check_record((const char *)data, len);
	first = line(&rest);
	check_record(rest.text, rest.len);
	if (first.len < sizeof(text) && first.len > 0)
		memcpy(text, first.text, first.len);
	if (!dmarc_name(name, text)) {
		must(name[0] == '\0');
		return 0;
	}
	must(dmarc_name(again, name) && strcmp(name, again) == 0);
	must(dmarc_name_labels(name) > 0);
	check_walk(name, rest);
	return 0;
}
