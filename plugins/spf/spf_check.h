/* SPDX-License-Identifier: MIT */
/*
 * spf_check.h - check_host() of RFC 7208 as a pure function
 *
 * Data in, data out: who asks brings the identity and a way to ask DNS, and gets a result with the
 * words that explain it. Nothing here knows a session, so tests drive it without a daemon.
 */
#ifndef PLUGINS_SPF_CHECK_H
#define PLUGINS_SPF_CHECK_H

#include <chainmail/plugin.h>

/* Section 4.6.4: terms that ask DNS, those of them that find nothing, names of one MX or PTR. */
#define SPF_MAX_LOOKUPS 10u
#define SPF_MAX_VOIDS	2u
#define SPF_MAX_NAMES	10u
/* What the section allows adds up to 111 questions; no honest record comes near. */
#define SPF_MAX_QUESTIONS 40u
/* Octets of a record; no honest one is longer. */
#define SPF_MAX_RECORD 16384u

/* Octets of a name, of its text (an octet may be \DDD there), of texts for people. */
#define SPF_NAME_SIZE  256
#define SPF_ASKED_SIZE 1024
#define SPF_SHOWN_SIZE 200
#define SPF_EXP_SIZE   256

/* Section 2.6, in the order of its text. */
enum spf_code {
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR,
	SPF_CODES
};

/* Answers live until the check has ended. */
struct spf_dns {
	void *ctx;
	const struct cm_dns_answer *(*lookup)(void *ctx, const char *name, enum cm_dns_type);
	void (*begin)(void *ctx, const char *name, enum cm_dns_type); /* will be looked up soon */
	bool (*late)(void *ctx); /* no time is left: that nobody answered says nothing */
};

struct spf_query {
	const char *ip;	      /* of the client */
	const char *local;    /* local part of the sender; "" is postmaster */
	const char *domain;   /* of the identity that is checked */
	const char *helo;     /* %{h} */
	const char *receiver; /* %{r} */
	int64_t now;	      /* %{t} */
	const struct spf_dns *dns;
};

/* Texts are printable ASCII; "" where there is none. */
struct spf_result {
	enum spf_code code;
	char domain[SPF_SHOWN_SIZE];	/* whose record decided: behind its redirects */
	char record[SPF_SHOWN_SIZE];	/* that record, cut */
	char mechanism[SPF_SHOWN_SIZE]; /* the term that matched, cut; "default": none did */
	char problem[SPF_SHOWN_SIZE];	/* why an error, or why none */
	char explanation[SPF_EXP_SIZE]; /* the publisher's words (section 6.2), cut */
	unsigned lookups;		/* terms that asked DNS */
	unsigned voids;			/* those of them that found nothing */
	unsigned questions;
};

/* Section 4.3: it is a name of several labels, so it may have a policy. */
bool spf_checkable(const char *domain);
/* "softfail", as headers write it. */
const char *spf_code_name(enum spf_code);
/* Waits where spf_dns does. Bounded by the limits above whatever DNS answers. */
void spf_check(const struct spf_query *, struct spf_result *);

#endif
