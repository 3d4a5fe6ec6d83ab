/* SPDX-License-Identifier: MIT */
/*
 * stage.h - the one table of SMTP stages
 *
 * Dispatch, negotiation, log lines, configuration checks and the Lua bridge all loop over it.
 */
#ifndef CORE_MAIL_STAGE_H
#define CORE_MAIL_STAGE_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scope { SCOPE_CONNECTION, SCOPE_MESSAGE, SCOPE_RECIPIENT };

#define STAGE_NO_MACROS (-1)

struct stage {
	enum cm_stage id;
	const char *name;     /* "eoh": core, log, C plugins */
	const char *lua_name; /* "headers": rules; NULL: no hook in Lua */
	size_t hook;	      /* offset of the cm_hook pointer in struct cm_plugin */
	enum scope scope;
	uint32_t no_flag;  /* SMFIP_NO*: do not send this event */
	uint32_t nr_flag;  /* SMFIP_NR_*: no reply wanted; 0: always a reply */
	int macro_list;	   /* SMFIM_*, or STAGE_NO_MACROS */
	unsigned verdicts; /* bit set of enum cm_verdict that may be returned here */
	bool held;	   /* a refusal is kept until MAIL (connect, helo) */
};

extern const struct stage stages[CM_STAGE_COUNT];

cm_hook *stage_hook(const struct stage *, const struct cm_plugin *);
bool stage_allows(const struct stage *, enum cm_verdict);
/* By either name; NULL when there is none. */
const struct stage *stage_find(const char *name);

/* "reject", "continue": log, trace, tests, Lua. */
const char *verdict_name(enum cm_verdict);
/* REJECT, TEMPFAIL, DISCARD. */
bool verdict_final(enum cm_verdict);

#endif
