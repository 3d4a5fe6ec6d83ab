/* SPDX-License-Identifier: MIT */
/*
 * script_value.h - what a few statements of a rule give, or why they fail
 */
#ifndef TESTS_UNIT_SCRIPT_VALUE_H
#define TESTS_UNIT_SCRIPT_VALUE_H

#include "script_case.h"

/* What the statements return, as the text of a refusal at MAIL. */
static inline void
value_expect(struct rule *r, const char *code, const char *more, const char *want)
{
	char *rule = NULL, *reply = NULL;

	ck_assert_int_gt(asprintf(&rule,
				 "local function f(m)\n%s\nend\n"
				 "function mail(m) return reject(tostring(f(m))) end\n",
				 code),
		0);
	ck_assert_int_gt(asprintf(&reply, "550 5.7.1 %s", want), 0);
	rule_load(r, rule, more);
	rule_expect(rule_session(r), reply);
	free(rule);
	free(reply);
}

/* How a hook with that statement fails; a '*' at the end stands for the rest. */
static inline void
mistake_expect(struct rule *r, const char *statement, const char *more, const char *want)
{
	char *rule = NULL, *failure = NULL;

	ck_assert_int_gt(asprintf(&rule, "function mail(m) %s end\n", statement), 0);
	ck_assert_int_gt(asprintf(&failure, "failed: scripts/x.lua:1: %s", want), 0);
	rule_load(r, rule, more);
	rule_expect(rule_session(r), failure);
	free(rule);
	free(failure);
}

/* Another message in the same daemon. */
static inline const char *
value_next(struct rule *r)
{
	if (r->d.s != NULL) {
		chain_end_message(r->d.s);
		chain_close(r->d.s);
		session_free(r->d.s);
		r->d.s = NULL;
	}
	return rule_session(r);
}

#endif
