/* SPDX-License-Identifier: MIT */
/*
 * address.h - addresses of the envelope and of the From: field, parsed strictly
 *
 * One parser for all checks, so that no two of them see different addresses (RFC 5321
 * section 4.1.2, RFC 5322 section 3.4, RFC 6531 for UTF-8).
 */
#ifndef CORE_MAIL_ADDRESS_H
#define CORE_MAIL_ADDRESS_H

#include <chainmail/plugin.h>

struct arena;

/*
 * "<a@b>", "a@b", "<>", source routes dropped; odd spellings (comments, blanks, brackets twice) as
 * the mailbox an MTA makes of them. Never fails: valid and unclear say what it is.
 */
void address_parse_path(struct cm_address *, struct arena *, const char *text);
/*
 * As received, without brackets, comments, blanks and route: an MTA compares a recipient that it is
 * told to drop with what it has, letter by letter.
 */
const char *address_spelling(struct arena *, const struct cm_address *);
/* All mailboxes of count From: field bodies; result lives in the arena. Never NULL. */
const struct cm_from *address_parse_from(struct arena *, const char *const *fields, size_t count);
/* Same mailbox: domains in any case, local parts exactly. */
bool address_same(const struct cm_address *, const struct cm_address *);

#endif
