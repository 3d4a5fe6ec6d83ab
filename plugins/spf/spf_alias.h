/* SPDX-License-Identifier: MIT */
/*
 * spf_alias.h - a record as libspf2 gets to see it: known words and short names made here
 */
#ifndef PLUGINS_SPF_ALIAS_H
#define PLUGINS_SPF_ALIAS_H

#include "spf_state.h"

#define SPF_ALIAS_SIZE 8
/* A whole record: eleven terms, redirect and exp. It compiles to less than 480 octets. */
#define SPF_ALIAS_TEXT 256

struct spf_place {
	struct spf_frame *frame;
	const struct spf_term *term;
	size_t host; /* counts from 1; 0: the term itself */
};

void spf_alias_record(const struct spf_state *, const struct spf_frame *, char out[SPF_ALIAS_TEXT]);
/* The domain of the first record, which no term leads to. */
void spf_alias_top(char out[SPF_ALIAS_SIZE]);
/* The i-th host of an MX term, from 0. */
void spf_alias_host(char out[SPF_ALIAS_SIZE], const char *term, size_t i);
/* What an alias stands for; false for any other text. */
bool spf_alias_find(struct spf_state *, const char *name, struct spf_place *);
/* The library compares addresses with a prefix; else it is told whether the term matches. */
bool spf_alias_compares(const struct spf_state *, const struct spf_term *);

#endif
