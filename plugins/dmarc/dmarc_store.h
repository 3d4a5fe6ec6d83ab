/* SPDX-License-Identifier: MIT */
/*
 * dmarc_store.h - how the outcomes of a day are kept until they are reported (RFC 9990)
 *
 * In the store, below "dmarc/LINK/": policy/DAY/DOMAIN is the policy seen last, row/DAY/DOMAIN/HASH
 * what one kind of message had in common, count/DAY/DOMAIN/HASH how many there were,
 * rows/DAY/DOMAIN and rows/DAY how many kinds, dropped/DAY/DOMAIN the messages that were too
 * different. Values are fields with tabs between.
 */
#ifndef PLUGINS_DMARC_STORE_H
#define PLUGINS_DMARC_STORE_H

#include "dmarc.h"

/* Reports are made on the next day; a week for who was away. */
#define DMARC_KEEP_US (9 * DMARC_DAY * DMARC_SECOND)

#define DMARC_DATE_SIZE sizeof("2026-12-31")
#define DMARC_KEY_SIZE	400u
#define DMARC_ROW_SIZE	4096u

/* Fields of a row and of a policy, in their order there. */
enum dmarc_row_field {
	DMARC_ROW_IP,
	DMARC_ROW_DISPOSITION,
	DMARC_ROW_DKIM,
	DMARC_ROW_SPF,
	DMARC_ROW_REASONS, /* "type comment;type comment" */
	DMARC_ROW_HEADER_FROM,
	DMARC_ROW_ENVELOPE_FROM,
	DMARC_ROW_SPF_DOMAIN,
	DMARC_ROW_SPF_RESULT,
	DMARC_ROW_DKIM_RESULTS, /* "domain selector result;domain selector result" */
	DMARC_ROW_FIELDS
};

enum dmarc_policy_field {
	DMARC_POLICY_ORG,
	DMARC_POLICY_METHOD,
	DMARC_POLICY_P,
	DMARC_POLICY_SP,
	DMARC_POLICY_NP,
	DMARC_POLICY_FO,
	DMARC_POLICY_ADKIM,
	DMARC_POLICY_ASPF,
	DMARC_POLICY_TESTING,
	DMARC_POLICY_RUA, /* with blanks between */
	DMARC_POLICY_FIELDS
};

/* As the columns of an answer are called. */
extern const char *const dmarc_row_names[DMARC_ROW_FIELDS];
extern const char *const dmarc_policy_names[DMARC_POLICY_FIELDS];

/* "2026-05-31" in UTC. */
void dmarc_date(char out[DMARC_DATE_SIZE], int64_t time);
/* When that day began, seconds since 1970; -1: it is no date. */
int64_t dmarc_date_read(const char *text);
/* "dmarc/LINK/KIND/DAY/REST"; rest may be empty. */
void dmarc_key(char out[DMARC_KEY_SIZE], const struct cm_session *, const char *kind,
	const char *day, const char *rest);

/* dmarc_rua.c */
/*
 * To whom a report on the domain goes, with blanks between: those of the list whose domain is in
 * the organization, or has agreed to it (RFC 9990 section 4). later: somebody cannot be asked now.
 */
const char *dmarc_rua_agreed(
	struct cm_session *, const char *domain, const char *org, const char *list, bool *later);
/* Begins to ask for that. */
void dmarc_rua_begin(struct cm_session *, const char *domain, const char *org, const char *list);

#endif
