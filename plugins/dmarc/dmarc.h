/* SPDX-License-Identifier: MIT */
/*
 * dmarc.h - what the parts of plugin dmarc share
 *
 * Pure parts (name, record, walk, check, from, policy) know nothing of a session; the plugin feeds
 * them and acts.
 */
#ifndef PLUGINS_DMARC_DMARC_H
#define PLUGINS_DMARC_DMARC_H

#include <chainmail/plugin.h>
#include <stdatomic.h>

#include "dmarc_check.h"
#include "dmarc_from.h"
#include "dmarc_policy.h"

#define DMARC_SECOND INT64_C(1000000)
#define DMARC_DAY    INT64_C(86400) /* seconds */

/* Of all sessions. */
struct dmarc_lost {
	atomic_uint messages; /* not counted for a report since the store had trouble */
};

struct dmarc_config {
	struct dmarc_actions actions;
	int org_domain; /* enum dmarc_method */
	bool need_dkim;
	struct cm_skip skip;   /* who is not checked */
	struct cm_skip exempt; /* who is, and nothing becomes of it */
	const struct cm_map *skip_domains;
	struct cm_list trusted_forwarders, trusted_sealers;
	const char *tag_header;
	const char *report_email; /* NULL: nothing is kept */
	const char *report_org, *report_contact;
	int64_t report_rows, report_day_rows;
	const struct cm_store *store;
	struct dmarc_psl *psl;	 /* of start() */
	struct dmarc_lost *lost; /* of start() */
};

/* A message that was checked. */
struct dmarc_message {
	bool checked; /* there is an author domain, and a result */
	bool shadow;  /* nothing becomes of what was decided */
	char author[DMARC_NAME_SIZE];
	const struct dmarc_identifier *ids;
	size_t id_count;
	struct dmarc_result result;
	enum dmarc_from from;
	enum dmarc_action action;
	enum dmarc_disposition disposition;
	enum dmarc_override override;
	const char *why; /* of the override; NULL: none */
};

/* dmarc_facts.c */
/* What SPF and DKIM say; the array lives as long as the message. */
struct dmarc_identifier *dmarc_identifiers(struct cm_session *, size_t *count);

/* Some link looked for signatures; else nobody knows whether there are any. */
bool dmarc_dkim_checked(const struct cm_session *);
/* Client, sender or author domain are exempt. why is set for CM_KNOWN, and what nobody can tell. */
enum cm_known dmarc_exempt(struct cm_session *, const char *author, const char **why);
/* A forwarder that we trust says that it was well when it came there; why: which. */
bool dmarc_forwarded(struct cm_session *, const char *author, const char **why);
/*
 * A sealer whom we trust may say so, if DNS told all keys of the chain: nobody can tell now. Its
 * domain; NULL: it would change nothing.
 */
const char *dmarc_unverified(const struct cm_session *, const char *author);
/* It comes from a mailing list: says so, and some domain vouches for who sent it. */
bool dmarc_listed(struct cm_session *, const struct dmarc_identifier *, size_t count);

/* dmarc_say.c */
/* Results, a line of Authentication-Results, and a reason. */
void dmarc_publish(struct cm_session *, const struct dmarc_message *);
#define DMARC_PUBLISHED 8u
extern const struct cm_published dmarc_published[DMARC_PUBLISHED];
/* One sentence for a reply, a tag and the queue. */
void dmarc_sentence(char *out, size_t size, const struct dmarc_message *);

/* dmarc_store.c */
/* Counts the message for a report; nothing where its domain wants none. */
void dmarc_record_outcome(struct cm_session *, const struct dmarc_message *);

/* dmarc_command.c */
#define DMARC_COMMANDS 2u
extern const struct cm_command dmarc_commands[DMARC_COMMANDS];

/* dmarc_ask.c */
/* The question, with cm_dns() behind it. */
void dmarc_ask(struct cm_session *, struct dmarc_query *, struct dmarc_dns *, const char *author);
/* Begins whatever a walk from there may ask. */
void dmarc_begin(struct cm_session *, const char *name);

#endif
