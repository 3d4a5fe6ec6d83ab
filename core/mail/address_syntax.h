/* SPDX-License-Identifier: MIT */
/*
 * address_syntax.h - the words that addresses of envelope and header are made of
 *
 * Each scanner returns how many octets at the start of text are that thing, 0 when it is none. The
 * text must have passed syntax_text(); then octets above 0x7f are letters (RFC 6531, RFC 6532).
 */
#ifndef CORE_MAIL_ADDRESS_SYNTAX_H
#define CORE_MAIL_ADDRESS_SYNTAX_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

/* A C1 control as UTF-8. */
bool syntax_c1(const char *);
/* Valid UTF-8 without C1 controls; ASCII controls are left to the scanners. */
bool syntax_text(const char *, size_t len);
/* A blank or tab, or a line break with one behind it (RFC 5322 section 3.2.2). */
size_t syntax_blank(const char *);
/* 1*atext. */
size_t syntax_atom(const char *);
size_t syntax_dot_atom(const char *);
/* With its quotes; folding: line breaks with a blank behind them are allowed. */
size_t syntax_quoted(const char *, bool folding);
/* dot-atom with one dot behind it allowed, or an address literal with its brackets. */
size_t syntax_domain(const char *);
/* Behind "@a,@b:" (RFC 5321 section 4.1.2: accepted and ignored), or text; NULL: a broken one. */
const char *syntax_route(const char *);

/*
 * Fills addr, user and domain from a local part and a domain as scanned; valid says whether host
 * name, literal and lengths are those of RFC 5321 section 4.1.2, 4.1.3 and 4.5.3.1.
 */
void syntax_fill(struct cm_address *, struct arena *, const char *local, size_t local_len,
	const char *domain, size_t domain_len);

#endif
