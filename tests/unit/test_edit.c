/* SPDX-License-Identifier: MIT */
/*
 * test_edit.c - what may be queued, and in which order it is applied
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/err.h"
#include "mail/address.h"
#include "mail/edit.h"

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

#define X16  "xxxxxxxxxxxxxxxx"
#define X128 X16 X16 X16 X16 X16 X16 X16 X16

static struct arena arena;
static struct err err;
static struct edit_queue conn, msg;

static void
setup(void)
{
	arena_init(&arena, 4096);
	edit_queue_init(&conn);
	edit_queue_init(&msg);
}

static void
teardown(void)
{
	arena_fini(&arena);
}

/* kept NULL: refused. */
static const struct check_case {
	const char *says;
	struct edit edit;
	const char *kept;
} checks[] = {
	{"a field", {.kind = EDIT_ADD_HEADER, .name = "X-A", .value = "b"}, "b"},
	{"an empty value", {.kind = EDIT_ADD_HEADER, .name = "X-A", .value = ""}, ""},
	{"every octet a name may have",
		{.kind = EDIT_ADD_HEADER,
			.name = "!\"#$%&'()*+,-./;<=>?@[\\]^_`{|}~",
			.value = "b"},
		"b"},
	{"the longest name", {.kind = EDIT_ADD_HEADER, .name = X128, .value = "b"}, "b"},
	{"a name too long", {.kind = EDIT_ADD_HEADER, .name = X128 "x", .value = "b"}, NULL},
	{"an empty name", {.kind = EDIT_ADD_HEADER, .name = "", .value = "b"}, NULL},
	{"no name", {.kind = EDIT_ADD_HEADER, .value = "b"}, NULL},
	{"no value", {.kind = EDIT_ADD_HEADER, .name = "X-A"}, NULL},
	{"a colon in the name", {.kind = EDIT_ADD_HEADER, .name = "X:A", .value = "b"}, NULL},
	{"a blank in the name", {.kind = EDIT_ADD_HEADER, .name = "X A", .value = "b"}, NULL},
	{"a line break in the name", {.kind = EDIT_ADD_HEADER, .name = "X\nA", .value = "b"}, NULL},
	{"a letter beyond ASCII in the name",
		{.kind = EDIT_ADD_HEADER, .name = "X\303\244", .value = "b"}, NULL},
	{"a folded value", {.kind = EDIT_ADD_HEADER, .name = "A", .value = "b\n c"}, "b\n c"},
	{"a value folded with CRLF", {.kind = EDIT_ADD_HEADER, .name = "A", .value = "b\r\n\tc"},
		"b\n\tc"},
	{"a value folded at its start", {.kind = EDIT_ADD_HEADER, .name = "A", .value = "\n b"},
		"\n b"},
	{"a second field in the value",
		{.kind = EDIT_ADD_HEADER, .name = "A", .value = "b\r\nBcc: c"}, NULL},
	{"a body in the value", {.kind = EDIT_ADD_HEADER, .name = "A", .value = "b\n\nc"}, NULL},
	{"a body behind a line of blanks",
		{.kind = EDIT_ADD_HEADER, .name = "A", .value = "b\n \nc"}, NULL},
	{"a last line of blanks", {.kind = EDIT_ADD_HEADER, .name = "A", .value = "b\n "}, NULL},
	{"a line break at the end", {.kind = EDIT_ADD_HEADER, .name = "A", .value = "b\n"}, NULL},
	{"a bare CR", {.kind = EDIT_ADD_HEADER, .name = "A", .value = "b\rc"}, NULL},
	{"a bare CR before a blank", {.kind = EDIT_ADD_HEADER, .name = "A", .value = "b\r c"},
		NULL},
	{"two CRs", {.kind = EDIT_ADD_HEADER, .name = "A", .value = "b\r\r\n c"}, NULL},
	{"a control octet", {.kind = EDIT_ADD_HEADER, .name = "A", .value = "b\033"}, NULL},
	{"a tab", {.kind = EDIT_ADD_HEADER, .name = "A", .value = "b\tc"}, "b\tc"},
	{"octets beyond ASCII", {.kind = EDIT_ADD_HEADER, .name = "A", .value = "\374\303\274"},
		"\374\303\274"},
	{"an insert", {.kind = EDIT_INSERT_HEADER, .name = "A", .value = "b", .index = 3}, "b"},
	{"an insert nowhere",
		{.kind = EDIT_INSERT_HEADER, .name = "A", .value = "b", .index = (size_t)1 << 40},
		NULL},
	{"a set", {.kind = EDIT_SET_HEADER, .name = "A", .value = "b", .index = 1}, "b"},
	{"a set of field 0", {.kind = EDIT_SET_HEADER, .name = "A", .value = "b"}, NULL},
	{"a removal by a bad name", {.kind = EDIT_SET_HEADER, .name = "A:", .index = 1}, NULL},
	{"a prefix", {.kind = EDIT_PREFIX_SUBJECT, .value = "[X] "}, "[X] "},
	{"a prefix of blanks", {.kind = EDIT_PREFIX_SUBJECT, .value = "  "}, NULL},
	{"a folded prefix", {.kind = EDIT_PREFIX_SUBJECT, .value = "a\n b"}, NULL},
	{"a recipient", {.kind = EDIT_ADD_RCPT, .value = "bob@EXAMPLE.org"}, "bob@example.org"},
	{"a recipient in brackets", {.kind = EDIT_ADD_RCPT, .value = "<bob@x.y>"}, "bob@x.y"},
	{"a recipient without domain", {.kind = EDIT_ADD_RCPT, .value = "bob"}, NULL},
	{"a recipient and parameters", {.kind = EDIT_ADD_RCPT, .value = "<b@x.y> NOTIFY=NEVER"},
		NULL},
	{"a second command", {.kind = EDIT_ADD_RCPT, .value = "<b@x.y>\r\nRCPT TO:<c@x.y>"}, NULL},
	{"nobody", {.kind = EDIT_ADD_RCPT, .value = ""}, NULL},
	{"the null sender as recipient", {.kind = EDIT_DROP_RCPT, .value = "<>"}, NULL},
	{"a sender", {.kind = EDIT_SENDER, .value = "<bob@x.y>"}, "bob@x.y"},
	{"the null sender", {.kind = EDIT_SENDER, .value = ""}, ""},
	{"the null sender in brackets", {.kind = EDIT_SENDER, .value = "<>"}, ""},
	{"no sender", {.kind = EDIT_SENDER}, NULL},
	{"a sender that is none", {.kind = EDIT_SENDER, .value = "a b"}, NULL},
	{"a reason", {.kind = EDIT_QUARANTINE, .value = "looks bad"}, "looks bad"},
	{"a reason with a line break", {.kind = EDIT_QUARANTINE, .value = "looks\n bad"}, NULL},
	{"no reason", {.kind = EDIT_QUARANTINE}, NULL},
	{"a kind that is none", {.kind = EDIT_KINDS, .name = "A", .value = "b"}, NULL},
};

START_TEST(only_what_can_stand_in_a_message_is_queued)
{
	const struct check_case *c = &checks[_i];

	err.text[0] = '\0';
	ck_assert_msg(edit_add(&msg, &arena, &c->edit, &err) == (c->kept != NULL), "%s: %s",
		c->says, err.text);
	ck_assert_uint_eq(msg.count, c->kept != NULL);
	if (c->kept == NULL)
		ck_assert_msg(err.text[0] != '\0', "%s: no words", c->says);
	else
		ck_assert_str_eq(msg.first->value, c->kept);
}
END_TEST

START_TEST(removal_has_no_value)
{
	const struct edit e = {.kind = EDIT_SET_HEADER, .name = "A", .index = 2};

	ck_assert(edit_add(&msg, &arena, &e, &err));
	ck_assert_ptr_null(msg.first->value);
	ck_assert_uint_eq(msg.first->index, 2);
}
END_TEST

START_TEST(texts_are_copied)
{
	char name[] = "X-A", value[] = "b";
	unsigned char body[] = {'c', 0, 'd'};
	struct edit e = {.kind = EDIT_ADD_HEADER, .name = name, .value = value};

	ck_assert(edit_add(&msg, &arena, &e, &err));
	e = (struct edit){.kind = EDIT_BODY, .data = body, .len = 3};
	ck_assert(edit_add(&msg, &arena, &e, &err));
	memset(name, '!', 3);
	memset(value, '!', 1);
	memset(body, '!', 3);
	ck_assert_str_eq(msg.first->name, "X-A");
	ck_assert_str_eq(msg.first->value, "b");
	ck_assert_mem_eq(msg.first->next->data, "c\0d", 3);
}
END_TEST

START_TEST(queue_is_bounded)
{
	static char value[EDIT_VALUE_MAX + 2];
	struct edit e = {.kind = EDIT_ADD_HEADER, .name = "A", .value = "b"};
	size_t n = 0;

	while (n < 5000 && edit_add(&msg, &arena, &e, &err))
		n++;
	ck_assert_uint_eq(n, EDITS_MAX);
	memset(value, 'v', EDIT_VALUE_MAX + 1);
	e.value = value;
	ck_assert(!edit_add(&conn, &arena, &e, &err));
	value[EDIT_VALUE_MAX] = '\0';
	for (n = 0; n < 5000 && edit_add(&conn, &arena, &e, &err); n++)
		;
	ck_assert_uint_eq(n, EDIT_OCTETS_MAX / (EDIT_VALUE_MAX + 1));
}
END_TEST

START_TEST(bodies_are_bounded)
{
	struct edit e = {.kind = EDIT_BODY, .data = (const unsigned char *)"0123456789", .len = 10};

	msg.body_max = 9;
	ck_assert(!edit_add(&msg, &arena, &e, &err));
	msg.body_max = 10;
	for (int i = 0; i < 4; i++)
		ck_assert(edit_add(&msg, &arena, &e, &err));
	ck_assert(!edit_add(&msg, &arena, &e, &err));
	e = (struct edit){.kind = EDIT_BODY};
	ck_assert(edit_add(&conn, &arena, &e, &err));
	e.len = 1;
	ck_assert(!edit_add(&conn, &arena, &e, &err));
}
END_TEST

START_TEST(kinds_have_names_and_rights)
{
	for (int k = 0; k < EDIT_KINDS; k++) {
		ck_assert_ptr_nonnull(edit_kind_name((enum edit_kind)k));
		ck_assert_uint_ne(edit_right((enum edit_kind)k), 0);
	}
	ck_assert_str_eq(edit_kind_name(EDIT_DROP_RCPT), "drop recipient");
	ck_assert_uint_eq(edit_right(EDIT_QUARANTINE), CM_EDIT_QUARANTINE);
	ck_assert_uint_eq(edit_right(EDIT_KINDS), 0);
}
END_TEST

/* The message as received. */
struct received {
	const char *fields[8][2];
	const char *rcpts[4];
};

/* The n-th field: its name and value. */
static const char *const *
received_field(const void *context, const char *name, size_t n)
{
	const struct received *r = context;

	for (size_t i = 0; i < LENGTH(r->fields) && r->fields[i][0] != NULL; i++) {
		if (strcasecmp(r->fields[i][0], name) == 0 && --n == 0)
			return r->fields[i];
	}
	return NULL;
}

static const char *
received_value(const void *context, const char *name, size_t n)
{
	const char *const *field = received_field(context, name, n);

	return field == NULL ? NULL : field[1];
}

static const char *
received_spelling(const void *context, const char *name, size_t n)
{
	return received_field(context, name, n)[0];
}

static size_t
received_count(const void *context, const char *name)
{
	size_t n = 0;

	while (received_value(context, name, n + 1) != NULL)
		n++;
	return n;
}

static size_t
rcpt_count(const struct received *r)
{
	size_t n = 0;

	while (n < LENGTH(r->rcpts) && r->rcpts[n] != NULL)
		n++;
	return n;
}

static const struct cm_address *
received_rcpt(const void *context, size_t i)
{
	const struct received *r = context;
	struct cm_address *a = arena_alloc(&arena, sizeof(*a));

	address_parse_path(a, &arena, r->rcpts[i]);
	return a;
}

#define ADD(n, v)                                                  \
	{                                                          \
		.kind = EDIT_ADD_HEADER, .name = (n), .value = (v) \
	}
#define INSERT(i, n, v)                                                             \
	{                                                                           \
		.kind = EDIT_INSERT_HEADER, .name = (n), .value = (v), .index = (i) \
	}
#define SET(n, i, v)                                                             \
	{                                                                        \
		.kind = EDIT_SET_HEADER, .name = (n), .value = (v), .index = (i) \
	}
#define REMOVE(n, i)                                               \
	{                                                          \
		.kind = EDIT_SET_HEADER, .name = (n), .index = (i) \
	}
#define PREFIX(v)                                         \
	{                                                 \
		.kind = EDIT_PREFIX_SUBJECT, .value = (v) \
	}
#define RCPT(v)                                     \
	{                                           \
		.kind = EDIT_ADD_RCPT, .value = (v) \
	}
#define DROP(v)                                      \
	{                                            \
		.kind = EDIT_DROP_RCPT, .value = (v) \
	}
#define SENDER(v)                                 \
	{                                         \
		.kind = EDIT_SENDER, .value = (v) \
	}
#define HOLD(v)                                       \
	{                                             \
		.kind = EDIT_QUARANTINE, .value = (v) \
	}
#define BODY(v)                                                                 \
	{                                                                       \
		.kind = EDIT_BODY, .data = (const unsigned char *)(v), .len = 1 \
	}
#define END                        \
	{                          \
		.kind = EDIT_KINDS \
	}

static const struct plan_case {
	const char *says;
	struct received received;
	struct edit asked[8];
	const char *plan;
} plans[] = {
	{"nothing asked", {{{0}}, {0}}, {END}, ""},
	{"one order whatever was asked first", {{{"A", "1"}, {"A", "2"}}, {"<b@x.y>"}},
		{HOLD("r"), ADD("C", "v"), INSERT(0, "D", "v"), SET("A", 1, "n"), RCPT("n@x.y"),
			SENDER("s@x.y"), BODY("b"), END},
		"body|sender s@x.y|+rcpt n@x.y|A[1]=n|insert 0 D: v|add C: v|hold r|"},
	{"deletions from the last to the first", {{{"A", "1"}, {"A", "2"}, {"A", "3"}}, {0}},
		{REMOVE("A", 1), REMOVE("A", 3), SET("a", 2, "n"), END}, "-A[3]|A[2]=n|-A[1]|"},
	{"a set of a field that is not there adds it", {{{"A", "1"}}, {0}},
		{SET("A", 2, "n"), SET("B", 1, "m"), END}, "add A: n|add B: m|"},
	{"a removal of a field that is not there is nothing", {{{"A", "1"}}, {0}},
		{REMOVE("A", 2), REMOVE("B", 1), END}, ""},
	{"the last set of a field wins", {{{"A", "1"}}, {0}},
		{SET("A", 1, "x"), SET("a", 1, "y"), END}, "A[1]=y|"},
	{"the last set of a missing field wins", {{{0}}, {0}},
		{SET("A", 1, "x"), SET("A", 1, "y"), END}, "add A: y|"},
	{"a set after a removal wins", {{{"A", "1"}}, {0}}, {REMOVE("A", 1), SET("A", 1, "y"), END},
		"A[1]=y|"},
	{"all fields of a name are removed", {{{"A", "1"}, {"B", "2"}, {"a", "3"}}, {0}},
		{REMOVE("A", 0), END}, "-A[2]|-A[1]|"},
	{"none of them is there", {{{"B", "2"}}, {0}}, {REMOVE("A", 0), END}, ""},
	{"a set after all were removed leaves one", {{{"A", "1"}, {"A", "2"}}, {0}},
		{REMOVE("A", 0), SET("A", 1, "y"), END}, "-A[2]|A[1]=y|"},
	{"all are removed that were set before", {{{"A", "1"}, {"A", "2"}}, {0}},
		{SET("A", 2, "x"), SET("A", 3, "y"), REMOVE("a", 0), END}, "-a[2]|-a[1]|"},
	{"all are removed where there was none but a set before", {{{0}}, {0}},
		{SET("A", 1, "x"), REMOVE("A", 0), END}, ""},
	{"who asked first to remove all is first", {{{"A", "1"}, {"B", "1"}}, {0}},
		{REMOVE("A", 0), SET("B", 1, "x"), END}, "-A[1]|B[1]=x|"},
	{"all are removed twice, and one is set between", {{{"A", "1"}, {"A", "2"}}, {0}},
		{REMOVE("A", 0), SET("A", 2, "x"), REMOVE("A", 0), SET("A", 1, "y"), END},
		"-A[2]|A[1]=y|"},
	{"all are removed and one of them, too", {{{"A", "1"}, {"A", "2"}}, {0}},
		{REMOVE("A", 2), REMOVE("A", 0), REMOVE("A", 1), END}, "-A[2]|-A[1]|"},
	{"two adds are two fields", {{{0}}, {0}}, {ADD("A", "x"), ADD("A", "y"), END},
		"add A: x|add A: y|"},
	{"inserts from the highest position down", {{{0}}, {0}},
		{INSERT(0, "A", "x"), INSERT(2, "B", "y"), INSERT(0, "C", "z"), END},
		"insert 2 B: y|insert 0 A: x|insert 0 C: z|"},
	{"the last body, sender and reason win", {{{0}}, {0}},
		{SENDER("a@x.y"), HOLD("p"), BODY("b"), SENDER(""), HOLD("q"), BODY("c"), END},
		"body|sender |hold q|"},
	{"a recipient is dropped as the MTA knows it", {{{0}}, {"<Bob@EXAMPLE.org>"}},
		{DROP("Bob@example.org"), END}, "-rcpt Bob@EXAMPLE.org|"},
	{"a recipient is dropped in each spelling",
		{{{0}}, {"<bob@x.y>", "<a@x.y>", "<\"bob\"@X.y>", "<bob@x.y>"}},
		{DROP("bob@X.Y"), END}, "-rcpt bob@x.y|-rcpt \"bob\"@X.y|"},
	{"another local part is another recipient", {{{0}}, {"<Bob@x.y>"}}, {DROP("bob@x.y"), END},
		""},
	{"a stranger is not dropped", {{{0}}, {"<a@x.y>"}}, {DROP("b@x.y"), END}, ""},
	{"who is there is not added", {{{0}}, {"<a@x.y>"}}, {RCPT("a@x.y"), END}, ""},
	{"dropped, then added again", {{{0}}, {"<a@x.y>"}}, {DROP("a@x.y"), RCPT("a@x.y"), END},
		""},
	{"added, then dropped", {{{0}}, {0}}, {RCPT("a@x.y"), DROP("a@x.y"), END}, ""},
	{"a drop of a recipient with a route", {{{0}}, {"<@a.b:Erin@X.y>"}},
		{DROP("Erin@x.y"), END}, "-rcpt Erin@X.y|"},
	{"a drop of an odd spelling", {{{0}}, {"< erin@x.y (c)>", "<erin@X.y.>"}},
		{DROP("erin@x.y"), END}, "-rcpt erin@x.y|-rcpt erin@X.y.|"},
	{"a drop of the same recipient twice", {{{0}}, {"<erin@x.y>", "erin@x.y"}},
		{DROP("erin@x.y"), END}, "-rcpt erin@x.y|"},
	{"recipients keep their order", {{{0}}, {"<a@x.y>"}},
		{RCPT("c@x.y"), DROP("a@x.y"), RCPT("b@x.y"), END},
		"+rcpt c@x.y|-rcpt a@x.y|+rcpt b@x.y|"},
	{"a prefix", {{{"Subject", "hello"}}, {0}}, {PREFIX("[X] "), END}, "Subject[1]=[X] hello|"},
	{"a prefix before the blank of the wire", {{{"subject", " hello"}}, {0}},
		{PREFIX("[X] "), END}, "subject[1]=[X] hello|"},
	{"a prefix of a folded subject", {{{"Subject", "he\r\n llo"}}, {0}}, {PREFIX("[X] "), END},
		"Subject[1]=[X] he\n llo|"},
	{"a prefix of a subject with a bare CR", {{{"Subject", "a\rb\n "}}, {0}},
		{PREFIX("[X] "), END}, "Subject[1]=[X] a b|"},
	{"a prefix of a subject with a line of blanks", {{{"Subject", "a\n \n b"}}, {0}},
		{PREFIX("[X] "), END}, "Subject[1]=[X] a  \n b|"},
	{"a prefix of a subject with a field in it", {{{"Subject", "a\nBcc: b"}}, {0}},
		{PREFIX("[X] "), END}, "Subject[1]=[X] a Bcc: b|"},
	{"a prefix of a subject with control characters", {{{"Subject", "a\033\177b"}}, {0}},
		{PREFIX("[X] "), END}, "Subject[1]=[X] a??b|"},
	{"a prefix without a subject", {{{0}}, {0}}, {PREFIX("[X] "), END}, "add Subject: [X]|"},
	{"a prefix of an empty subject", {{{"Subject", " "}}, {0}}, {PREFIX("[X] "), END},
		"Subject[1]=[X]|"},
	{"a prefix not twice", {{{"Subject", "[X] hello"}}, {0}}, {PREFIX("[X] "), END}, ""},
	{"a prefix not twice, said without its blank", {{{"Subject", " [X]"}}, {0}},
		{PREFIX("[X] "), END}, ""},
	{"the same prefix of two links", {{{"Subject", "hello"}}, {0}},
		{PREFIX("[X] "), PREFIX("[X] "), END}, "Subject[1]=[X] hello|"},
	{"two prefixes, the later in front", {{{"Subject", "hello"}}, {0}},
		{PREFIX("[X] "), PREFIX("[Y] "), END}, "Subject[1]=[Y] [X] hello|"},
	{"a prefix of a subject set before", {{{"Subject", "hello"}}, {0}},
		{SET("SUBJECT", 1, "new"), PREFIX("[X] "), END}, "Subject[1]=[X] new|"},
	{"a subject set after its prefix", {{{"Subject", "hello"}}, {0}},
		{PREFIX("[X] "), SET("Subject", 1, "new"), END}, "Subject[1]=new|"},
	{"a prefix of a subject removed before", {{{"Subject", "hello"}}, {0}},
		{REMOVE("Subject", 1), PREFIX("[X] "), END}, "Subject[1]=[X]|"},
	{"a prefix where all subjects were removed before",
		{{{"Subject", "a"}, {"Subject", "b"}}, {0}},
		{REMOVE("Subject", 0), PREFIX("[X] "), PREFIX("[Y] "), END},
		"-Subject[2]|Subject[1]=[Y] [X]|"},
	{"all subjects are removed behind a prefix", {{{"Subject", "a"}}, {0}},
		{PREFIX("[X] "), REMOVE("Subject", 0), END}, "-Subject[1]|"},
	{"a prefix stands apart from an encoded word", {{{"Subject", "=?utf-8?q?x?="}}, {0}},
		{PREFIX("[X]"), END}, "Subject[1]=[X] =?utf-8?q?x?=|"},
	{"only the first subject has a prefix", {{{"Subject", "a"}, {"Subject", "b"}}, {0}},
		{PREFIX("[X] "), END}, "Subject[1]=[X] a|"},
};

static const char *
describe(const struct edit *e)
{
	unsigned long i = (unsigned long)e->index;

	switch (e->kind) {
	case EDIT_BODY:
		return "body";
	case EDIT_SENDER:
		return arena_printf(&arena, "sender %s", e->value);
	case EDIT_ADD_RCPT:
		return arena_printf(&arena, "+rcpt %s", e->value);
	case EDIT_DROP_RCPT:
		return arena_printf(&arena, "-rcpt %s", e->value);
	case EDIT_SET_HEADER:
		return e->value == NULL ? arena_printf(&arena, "-%s[%lu]", e->name, i)
					: arena_printf(&arena, "%s[%lu]=%s", e->name, i, e->value);
	case EDIT_INSERT_HEADER:
		return arena_printf(&arena, "insert %lu %s: %s", i, e->name, e->value);
	case EDIT_ADD_HEADER:
		ck_assert_uint_eq(i, 0);
		return arena_printf(&arena, "add %s: %s", e->name, e->value);
	case EDIT_QUARANTINE:
		return arena_printf(&arena, "hold %s", e->value);
	case EDIT_PREFIX_SUBJECT:
	case EDIT_KINDS:
		break;
	}
	return "nonsense";
}

/* split: how many of the edits were asked for before MAIL. */
static const char *
planned(const struct plan_case *c, size_t split)
{
	struct edit_fields fields = {received_count, received_value, received_spelling,
		received_rcpt, rcpt_count(&c->received), &c->received};
	struct edit_plan out;
	const char *all = "";

	setup();
	for (size_t i = 0; c->asked[i].kind != EDIT_KINDS; i++)
		ck_assert_msg(edit_add(i < split ? &conn : &msg, &arena, &c->asked[i], &err), "%s",
			err.text);
	out = edit_plan(&arena, &conn, &msg, &fields);
	for (size_t i = 0; i < out.count; i++)
		all = arena_printf(&arena, "%s%s|", all, describe(out.edits[i]));
	return all;
}

START_TEST(plan_is_in_order)
{
	const struct plan_case *c = &plans[_i];

	for (size_t split = 0; split < LENGTH(c->asked); split++) {
		const char *plan = planned(c, split);

		ck_assert_msg(strcmp(plan, c->plan) == 0, "%s: %s", c->says, plan);
		teardown();
	}
	setup();
}
END_TEST

START_TEST(plan_without_recipients_takes_them_as_asked)
{
	const struct received none = {{{0}}, {0}};
	struct edit_fields fields = {
		received_count, received_value, received_spelling, NULL, 0, &none};
	struct edit e = DROP("a@x.y");
	struct edit_plan plan;

	ck_assert(edit_add(&msg, &arena, &e, &err));
	plan = edit_plan(&arena, &conn, &msg, &fields);
	ck_assert_str_eq(plan.edits[0]->value, "a@x.y");
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_ptr_null(plan.nobody);
}
END_TEST

static size_t looks;

/* Looks through all fields, which a stranger wrote. */
static size_t
many_fields(const void *context, const char *name)
{
	(void)context;
	(void)name;
	looks++;
	return 5000;
}

START_TEST(many_fields_are_counted_once)
{
	struct edit_fields fields = {many_fields, NULL, NULL, NULL, 0, NULL};
	struct edit e = REMOVE("A", 0);
	struct edit_plan plan;

	for (size_t i = 0; i < 10; i++)
		ck_assert(edit_add(&msg, &arena, &e, &err));
	looks = 0;
	plan = edit_plan(&arena, &conn, &msg, &fields);
	ck_assert_uint_eq(plan.count, 5000);
	ck_assert_uint_eq(plan.edits[0]->index, 5000);
	ck_assert_uint_eq(looks, 1);
}
END_TEST

#define CROWD 10000u

static struct cm_address crowd[CROWD];
static size_t looked_at;

static const struct cm_address *
crowd_rcpt(const void *context, size_t i)
{
	(void)context;
	looked_at++;
	return &crowd[i];
}

/* Half of them one mailbox; the discards of all but the last. */
static void
discard_crowd(void)
{
	for (size_t i = 0; i < CROWD; i++) {
		struct edit e = {.kind = EDIT_DROP_RCPT};

		address_parse_path(&crowd[i], &arena,
			arena_printf(&arena, "<bob%zu@x.y>", i % 2 == 0 ? i : 1));
		e.value = crowd[i].addr;
		if (i < CROWD - 2)
			edit_queue_discard(&msg, arena_memdup(&arena, &e, sizeof(e)));
	}
}

START_TEST(crowd_is_looked_at_once)
{
	const struct received none = {{{0}}, {0}};
	struct edit_fields fields = {
		received_count, received_value, received_spelling, crowd_rcpt, CROWD, &none};
	struct edit_plan plan;
	struct edit e = RCPT("new@x.y");

	discard_crowd();
	looked_at = 0;
	plan = edit_plan(&arena, &conn, &msg, &fields);
	ck_assert_uint_eq(looked_at, CROWD);
	ck_assert_uint_eq(plan.count, CROWD / 2);
	ck_assert_str_eq(plan.edits[1]->value, "bob1@x.y");
	ck_assert_ptr_null(plan.nobody);
	/* What verdicts discard takes no room from what links ask for. */
	ck_assert(edit_add(&msg, &arena, &e, &err));
	e = (struct edit)DROP(crowd[CROWD - 2].addr);
	ck_assert(edit_add(&msg, &arena, &e, &err));
	ck_assert_ptr_null(edit_plan(&arena, &conn, &msg, &fields).nobody);
	e = (struct edit)DROP("new@x.y");
	ck_assert(edit_add(&msg, &arena, &e, &err));
	ck_assert_ptr_nonnull(edit_plan(&arena, &conn, &msg, &fields).nobody);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("edit");
	TCase *t = tcase_create("edit");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, only_what_can_stand_in_a_message_is_queued, 0, LENGTH(checks));
	tcase_add_test(t, removal_has_no_value);
	tcase_add_test(t, texts_are_copied);
	tcase_add_test(t, queue_is_bounded);
	tcase_add_test(t, bodies_are_bounded);
	tcase_add_test(t, kinds_have_names_and_rights);
	tcase_add_loop_test(t, plan_is_in_order, 0, LENGTH(plans));
	tcase_add_test(t, plan_without_recipients_takes_them_as_asked);
	tcase_add_test(t, crowd_is_looked_at_once);
	tcase_add_test(t, many_fields_are_counted_once);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *r = srunner_create(suite());
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
