/* SPDX-License-Identifier: MIT */
/*
 * test_dkim_hash.c - which header fields a signature covers, and what that may cost
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/lib/dkim_hash.h"
#include "table.h"

#define SIG                                                                                  \
	"v=1; a=rsa-sha256; d=a.org; s=s; bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; " \
	"b=AAAA; h="

/* The fields of each: "Name:value" with a blank between; "self" is the signature's own. */
static const struct {
	const char *what, *fields, *names, *want;
} choices[] = {
	{"the order of h=", "a:1 b:2 From:3", "From:b:a", "From:3 b:2 a:1"},
	{"from the bottom up", "From:1 a:2 From:3 a:4", "From:a:From:a", "From:3 a:4 From:1 a:2"},
	{"one that is not there is nothing", "From:1", "a:From:From:b:From", "From:1"},
	{"names in any case", "FROM:1 x-A:2", "From:X-a", "FROM:1 x-A:2"},
	{"names that begin alike", "From:1 Fromm:2 Fro:3", "From:Fro", "From:1 Fro:3"},
	{"other characters that bit 5 tells apart", "From:1 a@:2 a`:3", "From:a`:a`",
		"From:1 a`:3"},
	{"its own field is none", "From:1 a:2 self:x a:3", "From:a:self:a:a", "From:1 a:3 a:2"},
	{"one of its name above its own", "self:1 From:2 self:x", "self:From:self",
		"self:1 From:2"},
	{"no field at all", "", "From", ""},
};

/* The last field named self is the signature's own. */
static size_t
split(char *text, struct canon_field *fields, size_t *self)
{
	size_t count = 0;

	for (char *at = strtok(text, " "); at != NULL; at = strtok(NULL, " ")) {
		char *colon = strchr(at, ':');

		if (strncmp(at, "self:x", 6) == 0)
			*self = count;
		fields[count++] = (struct canon_field){
			at, colon + 1, (size_t)(colon - at), strlen(colon + 1)};
	}
	return count;
}

static void
hash_text(const char *text, unsigned char *out)
{
	struct digest d;

	ck_assert(digest_init(&d));
	for (; *text != '\0'; text++) {
		if (*text == ' ')
			digest_put(&d, "\r\n", 2);
		else
			digest_put(&d, text, 1);
	}
	ck_assert(digest_end(&d, out));
	digest_fini(&d);
}

START_TEST(which_fields_are_taken)
{
	unsigned char got[DIGEST_SIZE], want[DIGEST_SIZE];
	char text[256], value[256], lines[256];
	size_t self = SIZE_MAX, count;
	struct canon_field items[8];
	struct dkim_fields fields;
	struct dkim_sig sig;
	struct digest d;
	const char *why;

	snprintf(text, sizeof(text), "%s", choices[_i].fields);
	snprintf(value, sizeof(value), "%s%s", SIG, choices[_i].names);
	snprintf(lines, sizeof(lines), "%s%s", choices[_i].want,
		choices[_i].want[0] == '\0' ? "" : " ");
	count = split(text, items, &self);
	ck_assert_msg(dkim_sig_read(&sig, DKIM_SIG_DKIM, value, strlen(value), &why), "%s", why);
	ck_assert(dkim_fields_init(&fields, items, count));
	ck_assert(digest_init(&d));
	dkim_hash_names(&d, &fields, &sig, self);
	ck_assert(digest_end(&d, got));
	digest_fini(&d);
	dkim_fields_fini(&fields);
	hash_text(lines, want);
	ck_assert_msg(memcmp(got, want, sizeof(got)) == 0, "%s", choices[_i].what);
}
END_TEST

#define MANY 100000u

/*
 * As many fields as a message may have, whose names are one for any hash of 6 bits, and a signature
 * with such names. A search through all of them for each name takes minutes here.
 */
START_TEST(names_that_were_chosen_do_not_make_it_slow)
{
	static struct canon_field items[MANY];
	static char value[8192] = SIG "From";
	struct dkim_fields fields;
	struct dkim_sig sig;
	struct digest d;
	const char *why;

	for (size_t i = 0; i < MANY; i++)
		items[i] = (struct canon_field){"a", "", 1, 0};
	for (unsigned n = 0, i = 0; i < 255; n++) {
		char name[16];
		uint32_t hash = 2166136261u;

		snprintf(name, sizeof(name), "x%x", n);
		for (const char *p = name; *p != '\0'; p++)
			hash = (hash ^ ((unsigned char)*p | 0x20u)) * 16777619u;
		if (hash % 64 != ((2166136261u ^ 'a') * 16777619u) % 64)
			continue;
		strcat(strcat(value, ":"), name);
		i++;
	}
	ck_assert(dkim_sig_read(&sig, DKIM_SIG_DKIM, value, strlen(value), &why));
	ck_assert(dkim_fields_init(&fields, items, MANY));
	ck_assert(digest_init(&d));
	for (int i = 0; i < 1000; i++)
		dkim_hash_names(&d, &fields, &sig, SIZE_MAX);
	digest_fini(&d);
	dkim_fields_fini(&fields);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dkim_hash");
	TCase *tc = tcase_create("dkim_hash");

	tcase_add_loop_test(tc, which_fields_are_taken, 0, LENGTH(choices));
	tcase_add_test(tc, names_that_were_chosen_do_not_make_it_slow);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
