/* SPDX-License-Identifier: MIT */
/*
 * test_needs.c - which profile is chosen, and what is asked of the MTA for all of them
 */
#include "base/net.h"
#include "chain_world.h"

/* --- profiles --- */

static const int64_t submission_ports[] = {587, 465};
static const char *const daemons[] = {"smtpd", "other"};

static struct cm_networks *
network(const char *text)
{
	struct cm_networks *n = networks_new(&w.arena);
	struct net_block block;

	ck_assert(net_block_parse(&block, text));
	networks_add(n, &w.arena, &block);
	return n;
}

/* One profile with these conditions, another without. */
static const struct choice_case {
	const char *says;
	bool ports, daemons, clients;
	enum profile_login login;
	const char *port, *daemon, *ip, *user; /* NULL: the MTA says there is none */
	const char *chosen;
} choices[] = {
	{.says = "no condition", .chosen = "first"},
	{.says = "first port", .ports = true, .port = "587", .chosen = "first"},
	{.says = "second port", .ports = true, .port = "465", .chosen = "first"},
	{.says = "another port", .ports = true, .port = "25", .chosen = "second"},
	{.says = "no port", .ports = true, .chosen = "second"},
	{.says = "daemon", .daemons = true, .daemon = "other", .chosen = "first"},
	{.says = "another daemon", .daemons = true, .daemon = "Other", .chosen = "second"},
	{.says = "client", .clients = true, .ip = "192.0.2.7", .chosen = "first"},
	{.says = "another client", .clients = true, .ip = "198.51.100.7", .chosen = "second"},
	{.says = "local client", .clients = true, .chosen = "second"},
	{.says = "login", .login = PROFILE_AUTHENTICATED, .user = "bob", .chosen = "first"},
	{.says = "no login", .login = PROFILE_AUTHENTICATED, .chosen = "second"},
	{.says = "nobody wanted, nobody there", .login = PROFILE_ANONYMOUS, .chosen = "first"},
	{.says = "nobody wanted, bob there",
		.login = PROFILE_ANONYMOUS,
		.user = "bob",
		.chosen = "second"},
	{.says = "all hold",
		.ports = true,
		.daemons = true,
		.clients = true,
		.login = PROFILE_AUTHENTICATED,
		.port = "587",
		.daemon = "smtpd",
		.ip = "192.0.2.7",
		.user = "bob",
		.chosen = "first"},
	{.says = "one of them does not",
		.ports = true,
		.daemons = true,
		.clients = true,
		.login = PROFILE_AUTHENTICATED,
		.port = "587",
		.daemon = "smtpd",
		.ip = "192.0.2.7",
		.chosen = "second"},
};

static void
build_choice(const struct choice_case *c)
{
	struct profile *p = add_profile("first");

	if (c->ports)
		p->ports = (struct cm_numbers){2, submission_ports};
	if (c->daemons)
		p->daemons = (struct cm_list){2, daemons};
	if (c->clients)
		p->clients = network("192.0.2.0/24");
	p->login = (int)c->login;
	add_profile("second");
}

static void
play_choice(const struct choice_case *c)
{
	struct net_addr addr;

	session_macros_begin(w.s, CM_STAGE_CONNECT);
	if (c->port != NULL)
		session_macro_add(w.s, CM_STAGE_CONNECT, "{daemon_port}", c->port);
	if (c->daemon != NULL)
		session_macro_add(w.s, CM_STAGE_CONNECT, "{daemon_name}", c->daemon);
	if (c->ip != NULL)
		ck_assert(net_parse(&addr, c->ip));
	session_set_client(w.s, "x", c->ip == NULL ? NULL : &addr, 0);
	event(&(struct cm_event){.stage = CM_STAGE_CONNECT, .name = "x"});
	helo("x");
	w.login = c->user;
	mail("<a@x.y>");
}

START_TEST(first_profile_whose_conditions_hold)
{
	const struct choice_case *c = &choices[_i];

	build_choice(c);
	open_session();
	play_choice(c);
	ck_assert_str_eq(answered(), "continue");
	ck_assert_msg(strcmp(chain_chosen(w.s)->name, c->chosen) == 0, "%s", c->says);
}
END_TEST

START_TEST(condition_on_what_the_mta_never_tells_refuses_for_now)
{
	const struct choice_case *c = &choices[_i];
	bool untold = (c->ports && c->port == NULL) || (c->login != PROFILE_ANY && c->user == NULL);

	build_choice(c);
	open_session();
	w.s->macros_asked = false;
	play_choice(c);
	ck_assert_msg(
		strcmp(answered(),
			untold ? "tempfail 451 4.3.0 Temporary problem, please try again later"
			       : "continue") == 0,
		"%s: %s", c->says, answered());
}
END_TEST

START_TEST(profile_is_chosen_anew_for_each_message)
{
	add_profile("first")->login = PROFILE_AUTHENTICATED;
	add_profile("second");
	begin(FRESH);
	ck_assert_str_eq(chain_chosen(w.s)->name, "second");
	w.login = "bob";
	mail("<a@x.y>");
	ck_assert_str_eq(chain_chosen(w.s)->name, "first");
	w.login = NULL;
	mail("<a@x.y>");
	ck_assert_str_eq(chain_chosen(w.s)->name, "second");
}
END_TEST

/* --- needs: one letter for each stage: c h m r d H e b E u --- */

static const char letters[] = "chmrdHebEu";

static const char *
bits_text(uint32_t bits)
{
	char text[CM_STAGE_COUNT + 1];
	size_t n = 0;

	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		if ((bits & BIT(i)) != 0)
			text[n++] = letters[i];
	}
	text[n] = '\0';
	return arena_strdup(&w.arena, text);
}

/* "mail: a b eom: i" */
static const char *
macros_text(const struct chain_needs *needs)
{
	const char *all = "";

	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		const char *const *name = needs->macros[i];

		if (name[0] != NULL)
			all = arena_printf(&w.arena, "%s%s:", all, stages[i].name);
		for (; *name != NULL; name++)
			all = arena_printf(&w.arena, "%s %s", all, *name);
		if (needs->macros[i][0] != NULL)
			all = arena_printf(&w.arena, "%s ", all);
	}
	return all;
}

static const struct needs_case {
	const char *says;
	unsigned hooks;
	uint32_t needs;
	enum profile_hold hold;
	const char *sent, *replies;
	bool headers, body;
} needs_cases[] = {
	{"an empty chain", 0, 0, 0, "chmrE", "E", false, false},
	{"connect", BIT(CM_STAGE_CONNECT), 0, 0, "chmrE", "mE", false, false},
	{"helo", BIT(CM_STAGE_HELO), 0, 0, "chmrE", "mE", false, false},
	{"mail", BIT(CM_STAGE_MAIL), 0, 0, "chmrE", "mE", false, false},
	{"rcpt", BIT(CM_STAGE_RCPT), 0, 0, "chmrE", "rE", false, false},
	{"data", BIT(CM_STAGE_DATA), 0, 0, "chmrdE", "E", false, false},
	{"header", BIT(CM_STAGE_HEADER), 0, 0, "chmrHE", "E", false, false},
	{"eoh", BIT(CM_STAGE_EOH), 0, 0, "chmreE", "E", false, false},
	{"body", BIT(CM_STAGE_BODY), 0, 0, "chmrbE", "E", false, false},
	{"eom", BIT(CM_STAGE_EOM), 0, 0, "chmrE", "E", false, false},
	{"unknown", BIT(CM_STAGE_UNKNOWN), 0, 0, "chmrEu", "Eu", false, false},
	{"early at data", BIT(CM_STAGE_DATA), CM_STOP_EARLY, 0, "chmrdE", "dE", false, false},
	{"early at body", BIT(CM_STAGE_BODY) | BIT(CM_STAGE_EOH), CM_STOP_EARLY, 0, "chmrebE",
		"ebE", false, false},
	{"held until rcpt", BIT(CM_STAGE_HELO), 0, PROFILE_HOLD_RCPT, "chmrE", "mrE", false, false},
	{"kept headers", BIT(CM_STAGE_EOM), CM_NEED_HEADERS, 0, "chmrHE", "E", true, false},
	{"edited headers", BIT(CM_STAGE_EOM), CM_EDIT_HEADERS, 0, "chmrHE", "E", true, false},
	{"kept body", BIT(CM_STAGE_EOM), CM_NEED_BODY, 0, "chmrbE", "E", false, true},
	{"size", BIT(CM_STAGE_MAIL), CM_NEED_SIZE, 0, "chmrHbE", "mE", false, false},
	{"edited body", BIT(CM_STAGE_EOM), CM_EDIT_BODY, 0, "chmrE", "E", false, false},
	{"everything", ALL_STAGES, CM_STOP_EARLY, 0, "chmrdHebEu", "mrdHebEu", false, false},
};

/* A plugin with these hooks alone. */
static void
limit_hooks(struct cm_plugin *plugin, unsigned hooks)
{
	cm_hook *none = NULL;

	*plugin = fake_plugin;
	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		if ((hooks & BIT(i)) == 0)
			memcpy((char *)plugin + stages[i].hook, &none, sizeof(none));
	}
}

START_TEST(stages_and_replies_are_those_somebody_needs)
{
	const struct needs_case *c = &needs_cases[_i];
	static struct cm_plugin plugin;
	struct chain_needs needs;
	struct link *l = add_link("one", c->hooks);

	limit_hooks(&plugin, c->hooks);
	l->plugin = &plugin;
	l->needs = c->needs;
	add_default_profile()->hold = (int)c->hold;
	chain_needs(&w.chain, &w.arena, &needs);
	ck_assert_msg(strcmp(bits_text(needs.stages), c->sent) == 0, "%s: %s sent", c->says,
		bits_text(needs.stages));
	ck_assert_msg(strcmp(bits_text(needs.replies), c->replies) == 0, "%s: %s replies", c->says,
		bits_text(needs.replies));
	ck_assert_uint_eq(needs.rights, c->needs & EDIT_RIGHTS);
	ck_assert_int_eq(needs.headers, c->headers);
	ck_assert_int_eq(needs.body, c->body);
}
END_TEST

/* A stage at which a link has no verdict needs no reply, unless another link has one. */
static const struct {
	const char *says;
	unsigned silent, other;
	const char *replies;
} silences[] = {
	{"a verdict at each", 0, 0, "mrE"},
	{"none at connect, helo and mail",
		BIT(CM_STAGE_CONNECT) | BIT(CM_STAGE_HELO) | BIT(CM_STAGE_MAIL), 0, "rE"},
	{"none at mail, but at helo", BIT(CM_STAGE_CONNECT) | BIT(CM_STAGE_MAIL), 0, "mrE"},
	{"none at rcpt", BIT(CM_STAGE_RCPT), 0, "mE"},
	{"none anywhere", ALL_STAGES, 0, "E"},
	{"none anywhere, but another has one at rcpt", ALL_STAGES, BIT(CM_STAGE_RCPT), "rE"},
};

START_TEST(no_reply_is_needed_where_nobody_has_a_verdict)
{
	const unsigned hooks = BIT(CM_STAGE_CONNECT) | BIT(CM_STAGE_HELO) | BIT(CM_STAGE_MAIL) |
			       BIT(CM_STAGE_RCPT);
	static struct cm_plugin plugin, other;
	struct chain_needs needs;
	struct link *l = add_link("one", hooks), *beside = add_link("two", silences[_i].other);

	limit_hooks(&plugin, hooks);
	limit_hooks(&other, silences[_i].other);
	l->plugin = &plugin;
	l->silent = silences[_i].silent;
	beside->plugin = &other;
	add_default_profile();
	chain_needs(&w.chain, &w.arena, &needs);
	ck_assert_msg(strcmp(bits_text(needs.replies), silences[_i].replies) == 0, "%s: %s",
		silences[_i].says, bits_text(needs.replies));
	/* It is shown what it hooks all the same. */
	ck_assert_uint_eq(needs.stages & hooks, hooks);
}
END_TEST

/* How a link can be there and never run. */
enum idle { IDLE_UNNAMED, IDLE_OFF, IDLE_PROFILE_OFF, IDLES };

START_TEST(link_that_never_runs_needs_nothing)
{
	static const struct cm_macro macro[] = {{CM_STAGE_MAIL, "{x}"}};
	static struct cm_plugin plugin;
	struct chain_needs needs;
	struct link *l = add_link("one", ALL_STAGES);
	struct profile *p = add_profile("p");

	plugin = fake_plugin;
	plugin.macros = macro;
	plugin.macro_count = 1;
	l->plugin = &plugin;
	l->needs |= CM_NEED_BODY | CM_NEED_HEADERS;
	if (_i == IDLE_OFF) {
		l->set.mode = LINK_OFF;
		p->has[0] = true; /* as the configuration does: named, at no stage */
	}
	if (_i == IDLE_PROFILE_OFF) {
		p->mode = LINK_OFF;
		profile_add(p, l);
	}
	chain_needs(&w.chain, &w.arena, &needs);
	ck_assert_str_eq(bits_text(needs.stages), "chmrE");
	ck_assert_uint_eq(needs.rights, 0);
	ck_assert(!needs.headers && !needs.body);
	ck_assert_str_eq(macros_text(&needs), "mail: {daemon_port} ");
}
END_TEST

static const struct macro_case {
	const char *says;
	unsigned hooks;
	struct cm_macro asked[5];
	bool ports, daemons, login, summary;
	const char *lists;
} macro_cases[] = {
	{"nothing", 0, {{0, NULL}}, false, false, false, false, "mail: {daemon_port} "},
	{"the log line", 0, {{0, NULL}}, false, false, false, true,
		"mail: {auth_authen} {daemon_port} {tls_version} eom: i "},
	{"a login", 0, {{0, NULL}}, false, false, true, false,
		"mail: {auth_authen} {daemon_port} "},
	{"ports, nobody at connect", BIT(CM_STAGE_MAIL), {{0, NULL}}, true, true, false, false,
		"mail: {daemon_name} {daemon_port} "},
	{"ports, somebody at helo", BIT(CM_STAGE_HELO), {{0, NULL}}, true, true, false, false,
		"connect: {daemon_name} {daemon_port} "},
	{"what a link declares, sorted and once", BIT(CM_STAGE_MAIL),
		{{CM_STAGE_MAIL, "{b}"}, {CM_STAGE_MAIL, "{a}"}, {CM_STAGE_MAIL, "{b}"}, {0, NULL}},
		false, false, false, false, "mail: {a} {b} {daemon_port} "},
	{"a fixed one at its first stage only", BIT(CM_STAGE_HELO),
		{{CM_STAGE_MAIL, "j"}, {CM_STAGE_HELO, "j"}, {CM_STAGE_EOM, "j"}, {0, NULL}}, false,
		false, false, false, "helo: j mail: {daemon_port} "},
	{"one that changes at each stage", BIT(CM_STAGE_DATA),
		{{CM_STAGE_DATA, "i"}, {CM_STAGE_EOM, "i"}, {CM_STAGE_HELO, "{tls_version}"},
			{CM_STAGE_MAIL, "{tls_version}"}, {0, NULL}},
		false, false, false, false,
		"helo: {tls_version} mail: {daemon_port} {tls_version} data: i eom: i "},
	{"a stage that is not sent", BIT(CM_STAGE_EOM), {{CM_STAGE_DATA, "i"}, {0, NULL}}, false,
		false, false, false, "mail: {daemon_port} rcpt: i "},
	{"a stage without a list", BIT(CM_STAGE_HEADER) | BIT(CM_STAGE_DATA),
		{{CM_STAGE_HEADER, "i"}, {0, NULL}}, false, false, false, false,
		"mail: {daemon_port} data: i "},
	{"body, header section sent", BIT(CM_STAGE_BODY) | BIT(CM_STAGE_EOH),
		{{CM_STAGE_BODY, "i"}, {0, NULL}}, false, false, false, false,
		"mail: {daemon_port} eoh: i "},
	{"unknown commands", BIT(CM_STAGE_UNKNOWN), {{CM_STAGE_UNKNOWN, "{x}"}, {0, NULL}}, false,
		false, false, false, "connect: {x} mail: {daemon_port} "},
};

START_TEST(macros_are_those_somebody_reads)
{
	const struct macro_case *c = &macro_cases[_i];
	static struct cm_plugin plugin;
	struct chain_needs needs;
	struct profile *p;

	plugin = fake_plugin;
	plugin.macros = c->asked;
	while (c->asked[plugin.macro_count].name != NULL)
		plugin.macro_count++;
	add_link("one", c->hooks)->plugin = &plugin;
	p = add_default_profile();
	if (c->ports)
		p->ports = (struct cm_numbers){2, submission_ports};
	if (c->daemons)
		p->daemons = (struct cm_list){2, daemons};
	p->login = c->login ? PROFILE_ANONYMOUS : PROFILE_ANY;
	w.chain.summary = c->summary;
	chain_needs(&w.chain, &w.arena, &needs);
	ck_assert_msg(
		strcmp(macros_text(&needs), c->lists) == 0, "%s: %s", c->says, macros_text(&needs));
}
END_TEST

START_TEST(more_macros_than_an_mta_takes_are_left_out)
{
	static struct cm_macro many[60];
	static char names[60][8];
	static struct cm_plugin plugin;
	struct chain_needs needs;
	size_t n = 0;

	for (size_t i = 0; i < 60; i++) {
		snprintf(names[i], sizeof(names[i]), "{m%02zu}", i);
		many[i] = (struct cm_macro){CM_STAGE_RCPT, names[i]};
	}
	plugin = fake_plugin;
	plugin.macros = many;
	plugin.macro_count = 60;
	add_link("one", BIT(CM_STAGE_RCPT))->plugin = &plugin;
	add_default_profile();
	chain_needs(&w.chain, &w.arena, &needs);
	while (needs.macros[CM_STAGE_RCPT][n] != NULL)
		n++;
	ck_assert_uint_eq(n, 50);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("needs");
	TCase *t = tcase_create("needs");

	tcase_add_checked_fixture(t, world_init, world_fini);
	tcase_add_loop_test(t, first_profile_whose_conditions_hold, 0, LENGTH(choices));
	tcase_add_loop_test(
		t, condition_on_what_the_mta_never_tells_refuses_for_now, 0, LENGTH(choices));
	tcase_add_test(t, profile_is_chosen_anew_for_each_message);
	tcase_add_loop_test(t, stages_and_replies_are_those_somebody_needs, 0, LENGTH(needs_cases));
	tcase_add_loop_test(t, no_reply_is_needed_where_nobody_has_a_verdict, 0, LENGTH(silences));
	tcase_add_loop_test(t, link_that_never_runs_needs_nothing, 0, IDLES);
	tcase_add_loop_test(t, macros_are_those_somebody_reads, 0, LENGTH(macro_cases));
	tcase_add_test(t, more_macros_than_an_mta_takes_are_left_out);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return table_run(suite());
}
