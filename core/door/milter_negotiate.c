/* SPDX-License-Identifier: MIT */
/*
 * milter_negotiate.c - what we ask of an MTA, derived from what the chain needs
 *
 * Every step not sent and every reply not waited for is a round trip saved for each message, so
 * nothing is asked for that no link uses, and nothing that the MTA did not offer.
 */
#include "milter_negotiate.h"

#include <libmilter/mfapi.h>
#include <string.h>

#include "mail/stage.h"

/* What an edit right is to the MTA. */
static const struct right {
	uint32_t right;
	unsigned long actions;
} rights[] = {
	{CM_EDIT_BODY, SMFIF_CHGBODY},
	{CM_EDIT_HEADERS, SMFIF_ADDHDRS | SMFIF_CHGHDRS},
	{CM_EDIT_QUARANTINE, SMFIF_QUARANTINE},
	{CM_EDIT_RCPTS, SMFIF_ADDRCPT | SMFIF_DELRCPT},
	{CM_EDIT_SENDER, SMFIF_CHGFROM},
};

#define RIGHTS (sizeof(rights) / sizeof(*rights))

static void
ask_rights(const struct chain_needs *needs, unsigned long offered, struct milter_terms *terms)
{
	for (size_t i = 0; i < RIGHTS; i++) {
		const struct right *r = &rights[i];

		if ((needs->rights & r->right) == 0 || (offered & r->actions) != r->actions)
			continue;
		terms->rights |= r->right;
		terms->actions |= r->actions;
	}
}

/*
 * A stage is switched off, or sent without waiting for us, where the MTA can do that. Without a
 * flag for it (end of message) it is always sent and always answered.
 */
static void
ask_stage(const struct chain_needs *needs, const struct stage *stage, unsigned long offered,
	struct milter_terms *terms)
{
	uint32_t bit = UINT32_C(1) << stage->id;

	if ((needs->stages & bit) == 0 && (offered & stage->no_flag) != 0) {
		terms->steps |= stage->no_flag;
	} else if ((needs->replies & bit) == 0 && (offered & stage->nr_flag) != 0) {
		terms->steps |= stage->nr_flag;
		terms->no_reply |= bit;
	}
}

static const char *const *
list_names(const struct chain_needs *needs, int list)
{
	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		if (stages[i].macro_list == list)
			return needs->macros[i];
	}
	return NULL;
}

/* One that does not fit leaves all of them to the MTA. */
static bool
lists_fit(const struct chain_needs *needs)
{
	char text[MILTER_LIST_SIZE];

	for (int list = 0; list < MILTER_LISTS; list++) {
		if (!milter_macro_list(needs, list, text))
			return false;
	}
	return true;
}

void
milter_negotiate(const struct chain_needs *needs, const struct milter_offer *offer,
	struct milter_terms *terms)
{
	*terms = (struct milter_terms){
		.skip = (offer->steps & SMFIP_SKIP) != 0,
		.ask_macros = (offer->actions & SMFIF_SETSYMLIST) != 0 && lists_fit(needs),
	};
	ask_rights(needs, offer->actions, terms);
	for (size_t i = 0; i < CM_STAGE_COUNT; i++)
		ask_stage(needs, &stages[i], offer->steps, terms);
	/* A macro tells them from others. */
	terms->rejected =
		needs->rejected && terms->ask_macros && (offer->steps & SMFIP_RCPT_REJ) != 0;
	if (terms->skip)
		terms->steps |= SMFIP_SKIP;
	if (terms->rejected)
		terms->steps |= SMFIP_RCPT_REJ;
	terms->blanks = needs->blanks && (offer->steps & SMFIP_HDR_LEADSPC) != 0;
	if (terms->blanks)
		terms->steps |= SMFIP_HDR_LEADSPC;
	if (terms->ask_macros)
		terms->actions |= SMFIF_SETSYMLIST;
}

struct cm_event
milter_field(bool blanks, const char *name, const char *value)
{
	bool blank = blanks && value[0] == ' ';

	return (struct cm_event){.stage = CM_STAGE_HEADER,
		.name = name,
		.value = value + blank,
		.glued = blanks && !blank};
}

bool
milter_macro_list(const struct chain_needs *needs, int list, char *out)
{
	const char *const *names = list_names(needs, list);
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
		size_t len = strlen(names[i]);

		if (i >= MILTER_MACROS_MAX || used + len + 2 > MILTER_LIST_SIZE)
			return false;
		if (used > 0)
			out[used++] = ' ';
		memcpy(out + used, names[i], len + 1);
		used += len;
	}
	return true;
}
