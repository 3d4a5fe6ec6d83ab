/* SPDX-License-Identifier: MIT */
/*
 * spf_state.h - one check on its way: its limits, its questions, the records it has entered
 *
 * What lies between the check and libspf2. Whoever finds that the check cannot go on calls
 * spf_stop(); from then on every question is answered with a failure, so the library comes to its
 * end.
 */
#ifndef PLUGINS_SPF_STATE_H
#define PLUGINS_SPF_STATE_H

#include "spf_check.h"
#include "spf_macro.h"
#include "spf_record.h"

#define SPF_MAX_FRAMES (SPF_MAX_LOOKUPS + 1)
/* Terms of one record that can be evaluated: those that may ask DNS, and one that is too many or
   matches. */
#define SPF_MAX_TERMS (SPF_MAX_LOOKUPS + 1)

/* A record that is being evaluated. */
struct spf_frame {
	char domain[SPF_NAME_SIZE]; /* %{d} */
	const struct cm_dns_record *record;
	unsigned count;
	struct spf_term terms[SPF_MAX_TERMS]; /* those that can matter to this client */
	struct spf_term redirect, exp;	      /* text NULL: there is none */
	unsigned last;			      /* the term evaluated last */
	const struct cm_dns_answer *hosts;    /* of that term, an MX */
	bool hosts_begun;		      /* their addresses are counted as questions */
};

struct spf_client {
	bool six;
	unsigned char address[16];
	char dotted[64];   /* %{i} */
	char readable[46]; /* %{c} */
};

struct spf_state {
	const struct spf_query *query;
	struct spf_result *result;
	struct spf_client client;
	char time[24];	 /* %{t} */
	bool stopped;	 /* result->code and ->problem say why */
	bool term_void;	 /* the running term is counted in result->voids */
	bool explaining; /* behind the result: nothing counts, nothing can change it */
	unsigned top;	 /* the frame whose result counts: 0, or where redirects led */
	unsigned frame_count;
	struct spf_frame frames[SPF_MAX_FRAMES];
	/* Section 5.5: names of the client's address that have that address. */
	bool names_known;
	bool names_late; /* there was no time to find all of them */
	unsigned name_count;
	const char *names[SPF_MAX_NAMES];
	const struct spf_frame *naming; /* whose %{d} a %{p} prefers */
};

/* False where the client's address is none. */
bool spf_state_init(struct spf_state *, const struct spf_query *, struct spf_result *);
/* The check ends with this code; the first call counts. */
void spf_stop(struct spf_state *, enum spf_code, const char *format, ...) CM_PRINTF(3, 4);
/* What the macros of a frame's record stand for. */
struct spf_macro_values spf_values(struct spf_state *, const struct spf_frame *);

/* --- spf_ask.c: each gives NULL where there is no record, and where the check was stopped -------
 */

/* One more term that asks DNS begins (section 4.6.4); false and stopped: one too many. */
bool spf_term_begin(struct spf_state *);
/* For a term; a void answer counts. The name is an expanded one, and may be no name at all. */
const struct cm_dns_answer *spf_ask(struct spf_state *, const char *name, enum cm_dns_type);
/* The same for A or AAAA, by the client's family. */
const struct cm_dns_answer *spf_ask_addresses(struct spf_state *, const char *name);
/* MX; its names are limited, and their addresses begun. */
const struct cm_dns_answer *spf_ask_hosts(struct spf_state *, struct spf_frame *, const char *name);
/* The addresses of the i-th of them. */
const struct cm_dns_answer *spf_ask_host(struct spf_state *, struct spf_frame *, size_t i);
/* No term's: a void answer does not count. */
const struct cm_dns_answer *spf_ask_text(struct spf_state *, const char *name);
/* PTR: a validated name of the client is the domain or below it. */
bool spf_ask_name(struct spf_state *, const char *domain);

/* --- spf_frame.c --------------------------------------------------------------------------------
 */

/* The record of a domain; NULL where it has none, and where the check was stopped. */
struct spf_frame *spf_enter(struct spf_state *, const char *domain);
/* The record that an include or a redirect of the frame leads to; NULL and stopped: none. */
struct spf_frame *spf_follow(struct spf_state *, struct spf_frame *, const struct spf_term *);
/* The domain that a term means; out has SPF_NAME_SIZE. */
void
spf_term_domain(struct spf_state *, const struct spf_frame *, const struct spf_term *, char *out);

/* --- spf_lib.c ----------------------------------------------------------------------------------
 */

/* Evaluates the first frame: code and mechanism, and the exp that counts (NULL: none). */
void spf_lib_run(struct spf_state *, const struct spf_term **exp);

#endif
