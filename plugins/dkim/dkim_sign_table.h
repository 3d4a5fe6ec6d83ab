/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign_table.h - the signing table: whose mail is signed, as which domain, with which keys
 *
 * A text file. Each line has a pattern, the domain that signs (d=) and one or more selectors (s=),
 * perhaps with the date from which they are used:
 *
 *	example.com          example.com  s2026 ed2026 s2027@2026-12-01
 *	.example.com         example.com  s2026
 *	news@example.com     news.example.com  n1
 *	<lists.example.org>  lists.example.org  list1
 *
 * A pattern is an address, a domain, the domains below one (.example.com) or everything (*), of
 * From: or, in angle brackets, of the envelope sender. Lines that begin with # are comments.
 */
#ifndef PLUGINS_DKIM_SIGN_TABLE_H
#define PLUGINS_DKIM_SIGN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/dkim_private.h"

/* Selectors of a line. */
#define DKIM_SELECTORS_MOST 16u
/* One for each type of key. */
#define DKIM_SIGN_KEYS_MOST 2u

struct dkim_selector {
	const char *name;
	int64_t from;			/* seconds since 1970; 0: always */
	const struct dkim_private *key; /* NULL until keys are loaded */
};

struct dkim_sign_row {
	const char *pattern; /* in lower case, without brackets */
	bool sender;	     /* of the envelope sender, not of From: */
	const char *domain;  /* d= */
	unsigned line;
	size_t selector_count;
	struct dkim_selector *selectors;
};

/* Which kinds of row an address is looked for among. */
enum dkim_sign_whose { DKIM_SIGN_AUTHOR, DKIM_SIGN_SENDER };

struct dkim_sign_table {
	char *text; /* what names point into */
	size_t count;
	struct dkim_sign_row *rows;	 /* sorted by whose and pattern */
	struct dkim_selector *selectors; /* of all rows */
	void *keys;			 /* a tree of what was loaded */
};

/*
 * Reads a table. False: why says "line N: ..." and nothing is to be freed. An empty table is good,
 * and signs nothing.
 */
bool dkim_sign_table_parse(
	struct dkim_sign_table *, const char *text, size_t len, char *why, size_t why_size);
/*
 * Loads the keys of all rows, each once, from below dir. False: why says which cannot be used. Two
 * selectors of a row with keys of one type and the same date are refused.
 */
bool dkim_sign_table_load(struct dkim_sign_table *, const char *dir, char *why, size_t why_size);
void dkim_sign_table_fini(struct dkim_sign_table *);

/*
 * The row of an address: of addr itself, else of its domain, else of the nearest domain above it,
 * else of *. NULL: none. addr in any case, domain in lower case.
 */
const struct dkim_sign_row *dkim_sign_table_find(
	const struct dkim_sign_table *, enum dkim_sign_whose, const char *addr, const char *domain);
/* What signs at a time: of each type of key the selector with the latest date that has come. */
size_t dkim_sign_row_pick(const struct dkim_sign_row *, int64_t now,
	const struct dkim_selector *out[DKIM_SIGN_KEYS_MOST]);

#endif
