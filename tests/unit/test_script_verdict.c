/* SPDX-License-Identifier: MIT */
/*
 * test_script_verdict.c - what hooks return, and the edits they ask for
 */
#include "script_case.h"
#include "table.h"

static struct rule r;

static void
setup(void)
{
	rule_init(&r);
}

static void
teardown(void)
{
	rule_fini(&r);
}

/* Words behind file, hook and lines: every hook stands in lines 1 to 3. */
static const struct {
	const char *code, *want;
} bad[] = {
	{"function mail(m)\n\treturn 'reject'\nend",
		"failed: scripts/x.lua: mail() returned \"reject\"; return nothing, "
		"or "
		"reject/tempfail/accept/discard/quarantine(...)"},
	{"function mail(m)\n\treturn false\nend",
		"failed: scripts/x.lua: mail() returned false; *"},
	{"function mail(m)\n\treturn 5\nend", "failed: scripts/x.lua: mail() returned 5; *"},
	{"function mail(m)\n\treturn {}\nend", "failed: scripts/x.lua: mail() returned a table; *"},
	{"function mail(m)\n\treturn m\nend",
		"failed: scripts/x.lua: mail() returned a userdata; *"},
	{"function mail(m)\n\treturn reject\nend",
		"failed: scripts/x.lua: mail() returned a function; *"},
	{"-- a comment\nfunction mail(m)\n\treturn reject{ code = 550, status = '4.7.1', text = "
	 "'x' }\nend",
		"failed: scripts/x.lua: mail() (lines 2-4): reject() needs a 5yz code and a 5.y.z "
		"status, got 550 "
		"4.7.1"},
	{"function mail(m)\n\treturn tempfail('5.7.1', 'x')\nend",
		"failed: scripts/x.lua: mail() (lines 1-3): tempfail() needs a 4yz code and a "
		"4.y.z status, got "
		"451 5.7.1"},
	{"function mail(m)\n\treturn reject{ code = 250 }\nend", "reject() needs a 5yz*"},
	{"function mail(m)\n\treturn reject('5.7', 'x')\nend", "reject() needs a 5yz*"},
	{"function mail(m)\n\treturn reject('5.7.1.2', 'x')\nend", "reject() needs a 5yz*"},
	{"function mail(m)\n\treturn reject('5.7.1234', 'x')\nend", "reject() needs a 5yz*"},
	{"function mail(m)\n\treturn reject{ txt = 'x' }\nend",
		"failed: scripts/x.lua: mail() (lines 1-3): reject{} has no field \"txt\"; did you "
		"mean \"text\"?"},
	{"function mail(m)\n\treturn reject{ 'x' }\nend",
		"failed: scripts/x.lua: mail() (lines 1-3): reject{} has no field \"[1]\", only "
		"code, status, "
		"text, reason"},
	{"function mail(m)\n\treturn reject('5.7.1', 'x', 'y')\nend",
		"reject() takes a text, a status and a text, or a table"},
	{"function mail(m)\n\treturn reject({}, 'x')\nend",
		"reject() takes a text, a status and a text, or a table"},
	{"function mail(m)\n\treturn reject('550 5.7.1 no')\nend",
		"the text \"550 5.7.1 no\" begins with a status: write "
		"reject(status, text), or reject{ code =, status =, text = }"},
	{"function mail(m)\n\treturn tempfail('4.7.1 later')\nend",
		"the text \"4.7.1 later\" begins with a status: write tempfail(status, text)*"},
	{"function mail(m)\n\treturn reject('5.7.1')\nend", "the text \"5.7.1\" begins with*"},
	{"function mail(m)\n\treturn reject{ text = '5.7.1 no' }\nend", "the text \"5.7.1 no\" *"},
	{"function mail(m)\n\treturn reject(550, 'no')\nend",
		"reject(550, ...): write reject{ code = 550, status = \"...\", text = \"...\" }"},
	{"function mail(m)\n\treturn reject(m)\nend", "reject(): the text is a userdata"},
	{"function mail(m)\n\treturn reject{ code = 'x' }\nend", "reject{}: code is no number"},
	{"function mail(m)\n\treturn accept('a', 'b')\nend",
		"accept() takes a reason and nothing else"},
	{"function mail(m)\n\treturn reject('a\\0b')\nend",
		"reject(): the text holds a NUL character"},
	{"function mail(m)\n\treturn reject{ code = (1 << 32) + 550 }\nend",
		"reject{}: code is no reply code"},
	{"function mail(m)\n\treturn reject{ code = 0 }\nend", "reject{}: code is no reply code"},
	{"function mail(m)\n\treturn tempfail{ code = -451 }\nend",
		"tempfail{}: code is no reply code"},
};

START_TEST(says_what_is_wrong_with_a_verdict)
{
	static const char place[] = "failed: scripts/x.lua: mail() (lines 1-3): ";
	const char *got;

	rule_load(&r, bad[_i].code, "");
	got = rule_session(&r);
	if (strncmp(bad[_i].want, "failed: ", 8) == 0) {
		rule_expect(got, bad[_i].want);
	} else {
		ck_assert_msg(strncmp(got, place, strlen(place)) == 0, "%s", got);
		rule_expect(got + strlen(place), bad[_i].want);
	}
}
END_TEST

/* --- verdicts ----------------------------------------------------------------------------------
 */

static const struct {
	const char *code, *want;
} verdicts[] = {
	{"function mail(m) return reject('no') end", "550 5.7.1 no"},
	{"function mail(m) return reject('5.1.8', 'no') end", "550 5.1.8 no"},
	{"function mail(m) return reject{ code = 553, status = '5.1.7', text = 'no' } end",
		"553 5.1.7 no"},
	{"function mail(m) return reject{ code = 553 } end", "553 5.7.1 Message refused"},
	{"function mail(m) return reject{ reason = 'x' } end", "550 5.7.1 *"},
	{"function mail(m) return reject() end", "550 5.7.1 *"},
	{"function mail(m) return tempfail('later') end", "451 4.7.1 later"},
	{"function mail(m) return tempfail('4.2.1', 'later') end", "451 4.2.1 later"},
	{"function mail(m) return tempfail{ code = 450, text = 'later' } end", "450 4.7.1 later"},
	{"function mail(m) return reject('100% no') end", "550 5.7.1 100% no"},
	{"function mail(m) return reject('550 is enough') end", "550 5.7.1 550 is enough"},
	{"function mail(m) return reject('5.7.1.2 is new') end", "550 5.7.1 5.7.1.2 is new"},
	{"function mail(m) return accept('fine') end", "accept"},
	{"function mail(m) return discard('spam') end", "discard"},
	{"function rcpt(m, to) if to.user == 'two' then return reject('5.1.1', 'no') end end",
		"550 5.1.1 no"},
	{"function message(m) return quarantine('odd') end", "continue"},
	{"local no = reject('5.7.1', 'kept')\nfunction mail(m) return no end", "550 5.7.1 kept"},
	{"function mail(m) local r = reject('not returned') end", "continue"},
	{"function mail(m) return nil end", "continue"},
	{"function helo(m) return reject('5.7.1', 'told at MAIL') end", "550 5.7.1 told at MAIL"},
	{"function mail(m) end function connect(m) end", "continue"},
	{"function message(m) return reject('at the end') end", "550 5.7.1 at the end"},
	{"function mail(m) local ok, why = pcall(error, 'x') if why == 'x' then return reject(why) "
	 "end end",
		"550 5.7.1 x"},
};

START_TEST(returns_verdicts)
{
	rule_load(&r, verdicts[_i].code, "");
	rule_expect(rule_session(&r), verdicts[_i].want);
}
END_TEST

START_TEST(keeps_the_reason_for_the_log)
{
	const struct trace_record *t;

	rule_load(
		&r, "function mail(m) return reject{ text = 'no', reason = 'because %s' } end", "");
	rule_expect(rule_session(&r), "550 5.7.1 no");
	t = chain_trace(r.d.s)->first;
	ck_assert_ptr_nonnull(t);
	ck_assert_str_eq(t->reason, "because %s");
}
END_TEST

/* --- edits, notes, results -----------------------------------------------------------------------
 */

static const struct {
	const char *code, *want;
} edits[] = {
	{"function connect(m) m:add_header('X-A', 'b') end", "add header X-A=b;"},
	{"function mail(m) m:insert_header(0, 'X-A', 'b') end", "insert header X-A=b@0;"},
	{"function message(m) m:set_header('Subject', 'new') end", "set header Subject=new@1;"},
	{"function message(m) m:set_header('Received', 'x', 2) end", "set header Received=x@2;"},
	{"function rcpt(m, to) m:remove_header('Received', 2) end", "set header Received=-@2;"},
	{"function data(m) m:prefix_subject('[X] ') end",
		"set header Subject=[X] hello\\n world@1;"},
	{"function message(m) m:add_rcpt('new@example.net') end", "add recipient new@example.net;"},
	{"function message(m) m:drop_rcpt(m.rcpts[1]) end", "drop recipient to@Example.net;"},
	{"function message(m) m:set_sender('') end", "change sender ;"},
	{"function message(m) m:set_sender(m.rcpts[2]) end", "change sender two@example.net;"},
	{"function message(m) return quarantine('odd') end", "quarantine odd;"},
	{"function message(m) return quarantine() end", "quarantine x;"},
};

/* "kind name=value@index;" */
static const char *
edits_text(const struct answer *a)
{
	static char text[512];

	text[0] = '\0';
	for (size_t i = 0; i < a->edit_count; i++) {
		const struct edit *e = a->edits[i];
		char one[256], *p = one;

		p += sprintf(p, "%s ", edit_kind_name(e->kind));
		if (e->name != NULL)
			p += sprintf(p, "%s=", e->name);
		for (const char *v = e->value == NULL ? "-" : e->value; *v != '\0'; v++)
			p += *v == '\r'	  ? sprintf(p, "\\r")
			     : *v == '\n' ? sprintf(p, "\\n")
					  : sprintf(p, "%c", *v);
		if (e->kind == EDIT_SET_HEADER || e->kind == EDIT_INSERT_HEADER)
			p += sprintf(p, "@%zu", e->index);
		sprintf(p, ";");
		strcat(text, one);
	}
	return text;
}

START_TEST(queues_edits)
{
	rule_load(&r, edits[_i].code, "");
	rule_expect(rule_session(&r), "continue");
	ck_assert_str_eq(edits_text(&r.d.answer), edits[_i].want);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_verdict");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, says_what_is_wrong_with_a_verdict, 0, LENGTH(bad));
	tcase_add_loop_test(tc, returns_verdicts, 0, LENGTH(verdicts));
	tcase_add_test(tc, keeps_the_reason_for_the_log);
	tcase_add_loop_test(tc, queues_edits, 0, LENGTH(edits));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
