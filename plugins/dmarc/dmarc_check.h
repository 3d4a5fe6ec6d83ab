/* SPDX-License-Identifier: MIT */
/*
 * dmarc_check.h - is the author domain vouched for, and what does it want if not (RFC 9989)
 */
#ifndef PLUGINS_DMARC_CHECK_H
#define PLUGINS_DMARC_CHECK_H

#include <chainmail/plugin.h>

#include "dmarc_psl.h"
#include "dmarc_walk.h"

/* Different identifiers of one message for which the tree is walked; more do not align. */
#define DMARC_WALKS_MOST 8u

/* RFC 8601 section 2.7, RFC 9989 section 9. */
enum dmarc_code {
	DMARC_CODE_NONE,
	DMARC_CODE_PASS,
	DMARC_CODE_FAIL,
	DMARC_CODE_TEMPERROR,
	DMARC_CODE_PERMERROR,
	DMARC_CODES
};

extern const char *const dmarc_code_names[DMARC_CODES];

/* Where organizational domains come from: what the row org_domain says. */
enum dmarc_method { DMARC_BY_TREE, DMARC_BY_PSL, DMARC_BY_BOTH };

enum dmarc_aligned { DMARC_NOT_ALIGNED, DMARC_ALIGNED, DMARC_ALIGNED_UNKNOWN };

/* A domain that SPF or DKIM has vouched for, or could not tell for now. */
struct dmarc_identifier {
	char domain[DMARC_NAME_SIZE]; /* as dmarc_name() spells it */
	bool dkim;		      /* else SPF */
	bool pass;		      /* else a temporary error */
	enum dmarc_aligned aligned;   /* set by the check */
};

struct dmarc_dns {
	void *context;
	const struct cm_dns_answer *(*lookup)(void *, const char *name, enum cm_dns_type);
};

struct dmarc_query {
	const char *author; /* as dmarc_name() spells it */
	struct dmarc_identifier *ids;
	size_t id_count;
	enum dmarc_method method;
	const struct dmarc_psl *psl; /* not for DMARC_BY_TREE */
	const struct dmarc_dns *dns;
};

struct dmarc_result {
	enum dmarc_code code;
	struct dmarc_walk walk;			/* of the author domain */
	const struct dmarc_step *step;		/* whose record counts; NULL: there is none */
	const char *tag;			/* "p", "sp" or "np": where it has the request */
	enum dmarc_request published;		/* of that tag */
	enum dmarc_request wanted;		/* one milder in test mode */
	bool spf_aligned, dkim_aligned;		/* of those that pass */
	bool by_list;				/* an identifier is aligned by the list alone */
	unsigned walks;				/* of identifiers */
	const char *problem;			/* NULL, or why there is none or an error */
	char problem_name[DMARC_QUESTION_SIZE]; /* what it is about: a question; or "" */
};

/* Asks DNS for whatever is needed to know. */
void dmarc_check(const struct dmarc_query *, struct dmarc_result *);
/* The walk from a name, to its end. */
void dmarc_check_walk(const struct dmarc_query *, struct dmarc_walk *, const char *name);
/* The organizational domain of a name; NULL: DNS failed. It lives in the walk. */
const char *dmarc_check_org(const struct dmarc_query *, struct dmarc_walk *, const char *name);

#endif
