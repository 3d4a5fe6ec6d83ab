/* SPDX-License-Identifier: MIT */
/*
 * test_negotiate.c - what is asked of which MTA for which chain
 */
#include "door/milter_negotiate.h"

#include <check.h>
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>

/* What Postfix 3.7 offers, and an MTA of protocol version 2. */
#define POSTFIX                 \
	{                       \
		0x1ff, 0x1fffff \
	}
#define ANCIENT                            \
	{                                  \
		SMFI_V2_ACTS, SMFI_V2_PROT \
	}

#define ON(stage)  (UINT32_C(1) << CM_STAGE_##stage)
#define USUAL	   (ON(MAIL) | ON(RCPT) | ON(EOM))
#define NO_UNUSUAL (SMFIP_NODATA | SMFIP_NOUNKNOWN)
#define NO_CONTENT (SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOBODY)
#define ALL_RIGHTS \
	(CM_EDIT_HEADERS | CM_EDIT_RCPTS | CM_EDIT_SENDER | CM_EDIT_BODY | CM_EDIT_QUARANTINE)
#define ALL_ACTIONS                                                                      \
	(SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_ADDRCPT | SMFIF_DELRCPT | SMFIF_CHGFROM | \
		SMFIF_CHGBODY | SMFIF_QUARANTINE)

static const struct {
	const char *name;
	struct milter_offer offer;
	uint32_t stages, replies, rights;
	bool rejected, blanks;
	struct milter_terms want;
} cases[] = {
	{
		.name = "a stage that nobody hooks is not sent",
		.offer = POSTFIX,
		.stages = USUAL,
		.replies = USUAL,
		.want = {.actions = SMFIF_SETSYMLIST,
			.steps = SMFIP_NOCONNECT | SMFIP_NOHELO | NO_UNUSUAL | NO_CONTENT |
				 SMFIP_SKIP,
			.skip = true,
			.ask_macros = true},
	},
	{
		.name = "a stage where nobody decides is not waited for",
		.offer = POSTFIX,
		.stages = USUAL | ON(CONNECT) | ON(HELO) | ON(HEADER) | ON(EOH) | ON(BODY),
		.replies = USUAL,
		.want = {.actions = SMFIF_SETSYMLIST,
			.steps = SMFIP_NR_CONN | SMFIP_NR_HELO | NO_UNUSUAL | SMFIP_NR_HDR |
				 SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_SKIP,
			.no_reply = ON(CONNECT) | ON(HELO) | ON(HEADER) | ON(EOH) | ON(BODY),
			.skip = true,
			.ask_macros = true},
	},
	{
		.name = "every right that is needed and offered is asked for",
		.offer = POSTFIX,
		.stages = USUAL,
		.replies = USUAL,
		.rights = ALL_RIGHTS,
		.want = {.actions = ALL_ACTIONS | SMFIF_SETSYMLIST,
			.steps = SMFIP_NOCONNECT | SMFIP_NOHELO | NO_UNUSUAL | NO_CONTENT |
				 SMFIP_SKIP,
			.rights = ALL_RIGHTS,
			.skip = true,
			.ask_macros = true},
	},
	{
		.name = "an old MTA: no flags it does not know, no rights it lacks",
		.offer = ANCIENT,
		.stages = USUAL,
		.replies = ON(EOM),
		.rights = CM_EDIT_HEADERS | CM_EDIT_SENDER,
		.want = {.actions = SMFIF_ADDHDRS | SMFIF_CHGHDRS,
			.steps = SMFIP_NOCONNECT | SMFIP_NOHELO | NO_CONTENT,
			.rights = CM_EDIT_HEADERS},
	},
	{
		.name = "half of what a right takes is not the right",
		.offer = {SMFIF_ADDHDRS | SMFIF_ADDRCPT, SMFI_CURR_PROT},
		.stages = ~UINT32_C(0),
		.replies = ~UINT32_C(0),
		.rights = CM_EDIT_HEADERS | CM_EDIT_RCPTS,
		.want = {.steps = SMFIP_SKIP, .skip = true},
	},
	{
		.name = "end of message is sent and answered whatever the chain says",
		.offer = POSTFIX,
		.want = {.actions = SMFIF_SETSYMLIST,
			.steps = SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOMAIL | SMFIP_NORCPT |
				 NO_UNUSUAL | NO_CONTENT | SMFIP_SKIP,
			.skip = true,
			.ask_macros = true},
	},
	{
		.name = "rejected recipients are sent to a chain that wants them",
		.offer = POSTFIX,
		.stages = USUAL,
		.replies = USUAL,
		.rejected = true,
		.want = {.actions = SMFIF_SETSYMLIST,
			.steps = SMFIP_NOCONNECT | SMFIP_NOHELO | NO_UNUSUAL | NO_CONTENT |
				 SMFIP_SKIP | SMFIP_RCPT_REJ,
			.skip = true,
			.ask_macros = true,
			.rejected = true},
	},
	{
		.name = "without macros nobody could tell rejected recipients from others",
		.offer = {0, SMFI_CURR_PROT},
		.stages = USUAL,
		.replies = USUAL,
		.rejected = true,
		.want = {.steps = SMFIP_NOCONNECT | SMFIP_NOHELO | NO_UNUSUAL | NO_CONTENT |
				  SMFIP_SKIP,
			.skip = true},
	},
	{
		.name = "rejected recipients and leading spaces are not asked for by themselves",
		.offer = {~0UL, ~0UL},
		.stages = ~UINT32_C(0),
		.replies = ~UINT32_C(0),
		.rights = ~UINT32_C(0),
		.want = {.actions = ALL_ACTIONS | SMFIF_SETSYMLIST,
			.steps = SMFIP_SKIP,
			.rights = ALL_RIGHTS,
			.skip = true,
			.ask_macros = true},
	},
	{
		.name = "leading spaces are sent to a chain that signs or verifies",
		.offer = POSTFIX,
		.stages = USUAL,
		.replies = USUAL,
		.blanks = true,
		.want = {.actions = SMFIF_SETSYMLIST,
			.steps = SMFIP_NOCONNECT | SMFIP_NOHELO | NO_UNUSUAL | NO_CONTENT |
				 SMFIP_SKIP | SMFIP_HDR_LEADSPC,
			.skip = true,
			.ask_macros = true,
			.blanks = true},
	},
	{
		.name = "an MTA that offers nothing gets every stage answered",
		.offer = {0, 0},
		.rights = CM_EDIT_QUARANTINE,
		.want = {.actions = 0},
	},
};

START_TEST(terms_follow_chain_and_offer)
{
	struct chain_needs needs = {.stages = cases[_i].stages,
		.replies = cases[_i].replies,
		.rights = cases[_i].rights,
		.rejected = cases[_i].rejected,
		.blanks = cases[_i].blanks};
	const struct milter_terms *want = &cases[_i].want;
	struct milter_terms got;

	milter_negotiate(&needs, &cases[_i].offer, &got);
	ck_assert_msg(got.actions == want->actions, "%s: actions %#lx, want %#lx", cases[_i].name,
		got.actions, want->actions);
	ck_assert_msg(got.steps == want->steps, "%s: steps %#lx, want %#lx", cases[_i].name,
		got.steps, want->steps);
	ck_assert_msg(got.rights == want->rights, "%s: rights %#x, want %#x", cases[_i].name,
		got.rights, want->rights);
	ck_assert_msg(got.no_reply == want->no_reply, "%s: no reply %#x, want %#x", cases[_i].name,
		got.no_reply, want->no_reply);
	ck_assert_msg(got.skip == want->skip && got.ask_macros == want->ask_macros &&
			      got.rejected == want->rejected && got.blanks == want->blanks,
		"%s: skip %d, macros %d, rejected %d", cases[_i].name, got.skip, got.ask_macros,
		got.rejected);
}
END_TEST

START_TEST(what_is_asked_is_always_offered)
{
	struct chain_needs needs = {.rights = ~UINT32_C(0)};
	struct milter_terms got;

	for (unsigned bit = 0; bit < 32; bit++) {
		struct milter_offer offer = {1UL << bit, 1UL << bit};

		for (uint32_t all = 0; all < UINT32_C(1) << CM_STAGE_COUNT; all += 7) {
			needs.stages = all;
			needs.replies = all * 3;
			milter_negotiate(&needs, &offer, &got);
			ck_assert_uint_eq(got.actions & ~offer.actions, 0);
			ck_assert_uint_eq(got.steps & ~offer.steps, 0);
		}
	}
}
END_TEST

START_TEST(macros_of_a_list_are_separated_by_spaces)
{
	static const char *const connect[] = {"j", "{client_addr}", "{daemon_port}", NULL};
	static const char *const eoh[] = {"i", NULL};
	struct chain_needs needs = {.macros = {[CM_STAGE_CONNECT] = connect, [CM_STAGE_EOH] = eoh}};
	char text[MILTER_LIST_SIZE];

	ck_assert(milter_macro_list(&needs, SMFIM_CONNECT, text));
	ck_assert_str_eq(text, "j {client_addr} {daemon_port}");
	ck_assert(milter_macro_list(&needs, SMFIM_EOH, text));
	ck_assert_str_eq(text, "i");
	ck_assert(milter_macro_list(&needs, SMFIM_EOM, text));
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(a_list_that_no_mta_would_take_is_refused)
{
	static char names[MILTER_MACROS_MAX + 1][128];
	const char *many[MILTER_MACROS_MAX + 2] = {NULL};
	struct chain_needs needs = {.macros = {[CM_STAGE_RCPT] = many}};
	const struct milter_offer offer = {SMFIF_SETSYMLIST, SMFI_CURR_PROT};
	struct milter_terms terms;
	char text[MILTER_LIST_SIZE];

	for (size_t i = 0; i < MILTER_MACROS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "{m%zu}", i);
		many[i] = names[i];
	}
	ck_assert(milter_macro_list(&needs, SMFIM_ENVRCPT, text));
	milter_negotiate(&needs, &offer, &terms);
	ck_assert(terms.ask_macros);
	many[MILTER_MACROS_MAX] = "{one_more}";
	ck_assert(!milter_macro_list(&needs, SMFIM_ENVRCPT, text));
	milter_negotiate(&needs, &offer, &terms);
	ck_assert(!terms.ask_macros);
	ck_assert_uint_eq(terms.actions & SMFIF_SETSYMLIST, 0);
	many[MILTER_MACROS_MAX] = NULL;
	for (size_t i = 0; i < MILTER_MACROS_MAX; i++)
		snprintf(names[i], sizeof(names[i]), "{%0100zu}", i);
	ck_assert(!milter_macro_list(&needs, SMFIM_ENVRCPT, text));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("negotiate");
	TCase *group = tcase_create("negotiate");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, group);
	tcase_add_loop_test(
		group, terms_follow_chain_and_offer, 0, (int)(sizeof(cases) / sizeof(*cases)));
	tcase_add_test(group, what_is_asked_is_always_offered);
	tcase_add_test(group, macros_of_a_list_are_separated_by_spaces);
	tcase_add_test(group, a_list_that_no_mta_would_take_is_refused);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
