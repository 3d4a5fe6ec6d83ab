/* SPDX-License-Identifier: MIT */
/*
 * test_service_skip.c - whom a link leaves alone, and how it says so
 *
 * The maps are this file's, for those of the core can hardly be broken: the service that reads one
 * hides the core's.
 */
#include <stdio.h>
#include <strings.h>

#include "drive.h"
#include "table.h"

/* A map is the only key it has; that of "!" is broken. */
#define MAP(key) ((const struct cm_map *)(const void *)(key))

enum cm_known
cm_map_get(struct cm_session *s, const struct cm_map *map, const char *key, const char **value)
{
	const char *only = (const char *)(const void *)map;

	(void)s;
	*value = "yes";
	if (strcmp(only, "!") == 0)
		return CM_UNDELIVERED;
	return strcasecmp(only, key) == 0 ? CM_KNOWN : CM_NONE;
}

static struct drive d;
/* What the MTA says of logins is never told. */
static bool silent;

static void
begin(const char *ip)
{
	drive_init(&d);
	drive_load(&d, "profile all { chain = [ auth ] }\nplugin auth { }\n");
	drive_open(&d);
	d.s->macros_asked = !silent;
	drive_connect(&d, ip, "client.example.net", "25");
	drive_helo(&d, "client.example.net");
}

#define CLIENT "203.0.113.7"
#define LOGIN  "the mail server does not tell {auth_authen}"

static const struct {
	const char *name;
	struct cm_skip skip;
	const char *ip, *sender, *rcpt, *login;
	enum cm_known known;
	const char *why;
} subjects[] = {
	{"a stranger", {.authenticated = true, .trusted = true}, CLIENT, "<a@b.org>", "<c@d.org>",
		NULL, CM_NONE, NULL},
	{"a local client, whatever is set", {0}, NULL, "<a@b.org>", "<c@d.org>", NULL, CM_KNOWN,
		"a local client"},
	{"a trusted client", {.trusted = true}, "127.0.0.1", "<a@b.org>", "<c@d.org>", NULL,
		CM_KNOWN, "a trusted client"},
	{"a trusted client that does not matter", {0}, "127.0.0.1", "<a@b.org>", "<c@d.org>", NULL,
		CM_NONE, NULL},
	{"a login", {.authenticated = true}, CLIENT, "<a@b.org>", "<c@d.org>", "bob", CM_KNOWN,
		"a login"},
	{"a login that does not matter", {0}, CLIENT, "<a@b.org>", "<c@d.org>", "bob", CM_NONE,
		NULL},
	{"a client of the map", {.clients = MAP(CLIENT)}, CLIENT, "<a@b.org>", "<c@d.org>", NULL,
		CM_KNOWN, "a client of skip_clients"},
	{"a client beside the map", {.clients = MAP("203.0.113.8")}, CLIENT, "<a@b.org>",
		"<c@d.org>", NULL, CM_NONE, NULL},
	{"a broken map of clients", {.clients = MAP("!")}, CLIENT, "<a@b.org>", "<c@d.org>", NULL,
		CM_UNDELIVERED, "the map skip_clients cannot be read"},
	{"a broken map, and a login", {.authenticated = true, .clients = MAP("!")}, CLIENT,
		"<a@b.org>", "<c@d.org>", "bob", CM_KNOWN, "a login"},
	{"a sender", {.senders = MAP("a@b.org")}, CLIENT, "<A@B.org>", "<c@d.org>", NULL, CM_KNOWN,
		"a sender of skip_senders"},
	{"a sender's domain", {.senders = MAP("b.org")}, CLIENT, "<a@b.org>", "<c@d.org>", NULL,
		CM_KNOWN, "a sender of skip_senders"},
	{"a sender's @domain", {.senders = MAP("@b.org")}, CLIENT, "<a@b.org>", "<c@d.org>", NULL,
		CM_KNOWN, "a sender of skip_senders"},
	{"the null sender", {.senders = MAP("<>")}, CLIENT, "<>", "<c@d.org>", NULL, CM_KNOWN,
		"a sender of skip_senders"},
	{"a local part that anybody may write", {.senders = MAP("a@")}, CLIENT, "<a@b.org>",
		"<c@d.org>", NULL, CM_NONE, NULL},
	{"a local part, where that counts", {.senders_or_users = MAP("a@")}, CLIENT, "<a@b.org>",
		"<c@d.org>", NULL, CM_KNOWN, "a sender of skip_senders"},
	{"a broken map of senders", {.senders_or_users = MAP("!")}, CLIENT, "<a@b.org>",
		"<c@d.org>", NULL, CM_UNDELIVERED, "the map skip_senders cannot be read"},
	{"a recipient", {.recipients = MAP("c@d.org")}, CLIENT, "<a@b.org>", "<c@d.org>", NULL,
		CM_KNOWN, "a recipient of skip_recipients"},
	{"a recipient's local part", {.recipients = MAP("c@")}, CLIENT, "<a@b.org>", "<c@d.org>",
		NULL, CM_KNOWN, "a recipient of skip_recipients"},
	{"a recipient that is none", {.recipients = MAP("@")}, CLIENT, "<a@b.org>", "<>", NULL,
		CM_NONE, NULL},
	{"a message, and no recipient", {.recipients = MAP("!")}, CLIENT, "<a@b.org>", NULL, NULL,
		CM_NONE, NULL},
};

START_TEST(subject_is_left_alone)
{
	const char *why = "nothing", *rcpt = subjects[_i].rcpt;
	struct cm_address address;
	struct arena arena;
	enum cm_known known;

	begin(subjects[_i].ip);
	drive_mail(&d, subjects[_i].sender, subjects[_i].login, NULL);
	arena_init(&arena, 256);
	address_parse_path(&address, &arena, rcpt == NULL ? "" : rcpt);
	known = cm_skip(d.s, &subjects[_i].skip, rcpt == NULL ? NULL : &address, &why);
	ck_assert_msg(known == subjects[_i].known, "%s: %d", subjects[_i].name, (int)known);
	ck_assert_pstr_eq(why, subjects[_i].why);
	arena_fini(&arena);
	drive_fini(&d);
}
END_TEST

/* What the client is by itself counts, too, where nobody tells of logins. */
static const struct {
	const char *ip;
	enum cm_known known;
	const char *why;
} silences[] = {
	{CLIENT, CM_UNDELIVERED, LOGIN},
	{"127.0.0.1", CM_KNOWN, "a trusted client"},
};

START_TEST(login_is_not_told)
{
	const struct cm_skip skip = {
		.authenticated = true, .trusted = true, .clients = MAP(CLIENT)};
	const char *why;

	silent = true;
	begin(silences[_i].ip);
	drive_mail(&d, "<a@b.org>", NULL, NULL);
	ck_assert_int_eq(cm_skip(d.s, &skip, NULL, &why), silences[_i].known);
	ck_assert_str_eq(why, silences[_i].why);
	drive_fini(&d);
	silent = false;
}
END_TEST

/* There is neither login nor sender then, and nobody misses them. */
START_TEST(before_mail_the_client_counts)
{
	const struct cm_skip one = {.authenticated = true, .senders = MAP("!")};
	const struct cm_skip other = {.authenticated = true, .clients = MAP(CLIENT)};
	const char *why;

	silent = true;
	begin(CLIENT);
	ck_assert_int_eq(cm_skip(d.s, &one, NULL, &why), CM_NONE);
	ck_assert_ptr_null(why);
	ck_assert_int_eq(cm_skip(d.s, &other, NULL, &why), CM_KNOWN);
	drive_fini(&d);
	silent = false;
}
END_TEST

/* A key that was cut would be somebody else's. */
START_TEST(long_address_is_nobody_else)
{
	char user[401], only[402], path[500];
	struct cm_skip skip = {.senders_or_users = MAP(only)};
	const char *why;

	memset(user, 'a', sizeof(user) - 1);
	user[sizeof(user) - 1] = '\0';
	snprintf(only, sizeof(only), "%.399s", user);
	snprintf(path, sizeof(path), "<%s@b.org>", user);
	begin(CLIENT);
	drive_mail(&d, path, NULL, NULL);
	ck_assert_int_eq(cm_skip(d.s, &skip, NULL, &why), CM_NONE);
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("service_skip");
	TCase *tc = tcase_create("skip");

	tcase_add_loop_test(tc, subject_is_left_alone, 0, LENGTH(subjects));
	tcase_add_loop_test(tc, login_is_not_told, 0, LENGTH(silences));
	tcase_add_test(tc, before_mail_the_client_counts);
	tcase_add_test(tc, long_address_is_nobody_else);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
