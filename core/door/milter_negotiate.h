/* SPDX-License-Identifier: MIT */
/*
 * milter_negotiate.h - what we ask of an MTA, derived from what the chain needs
 *
 * A pure function: no session, no engine, no I/O. Numbers are those of <libmilter/mfdef.h>.
 */
#ifndef CORE_DOOR_MILTER_NEGOTIATE_H
#define CORE_DOOR_MILTER_NEGOTIATE_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/chain.h"

/* Macro lists there are: SMFIM_CONNECT to SMFIM_EOH. */
#define MILTER_LISTS 7
/* An MTA takes at most 50 macros of a stage and says nothing about the rest. */
#define MILTER_MACROS_MAX 50
#define MILTER_LIST_SIZE  2048

/* What the MTA can do. */
struct milter_offer {
	unsigned long actions; /* SMFIF_* */
	unsigned long steps;   /* SMFIP_* */
};

/* What we ask of it. */
struct milter_terms {
	unsigned long actions;
	unsigned long steps;
	uint32_t rights;   /* CM_EDIT_* that all of actions give */
	uint32_t no_reply; /* bit per stage whose reply is not sent */
	bool skip;	   /* the MTA understands SKIP */
	bool ask_macros;   /* it takes our macro lists, and they fit */
	bool rejected;	   /* it sends recipients that it refused, too */
	bool blanks;	   /* a field's value begins behind its colon, both ways; else one blank
			      is taken away and put back by the MTA */
};

void
milter_negotiate(const struct chain_needs *, const struct milter_offer *, struct milter_terms *);

/* A field that came under such terms. */
struct cm_event milter_field(bool blanks, const char *name, const char *value);

/*
 * The macros of one list (SMFIM_*), separated by spaces; out has MILTER_LIST_SIZE octets. "" asks
 * for none. False when they do not fit: then the MTA's own list is left as it is.
 */
bool milter_macro_list(const struct chain_needs *, int list, char *out);

#endif
