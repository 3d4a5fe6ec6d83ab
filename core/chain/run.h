/* SPDX-License-Identifier: MIT */
/*
 * run.h - what the chain knows of one session; inside this room only
 */
#ifndef CORE_CHAIN_RUN_H
#define CORE_CHAIN_RUN_H

#include "chain.h"

/* A verdict and all that goes with it. */
struct decision {
	enum cm_verdict verdict;
	struct reply reply;
	const struct link *link; /* NULL: the core itself */
	enum cm_stage stage;
	const char *reason;
};

/* A refusal at connect or HELO that waits for MAIL or RCPT; in the connection's arena. */
struct held {
	struct decision decision;
	struct held *next;
};

struct link_state {
	void *conn, *msg;
	struct trace_record *last; /* of this link, to count repeated calls */
	uint32_t seen;		   /* bit per stage of the connection that it was shown */
	bool off;		   /* the MTA lacks a right it needs */
	bool conn_done, msg_done;
};

struct run {
	const struct chain *chain;
	const struct profile *profile;
	struct link_state *states; /* by link index */

	/* The hook that runs now. */
	struct link *link;
	bool shadow;
	struct reply reply;
	const char *reason;
	int64_t deadline;
	int64_t now; /* end of the hook before */

	/* Connection. */
	const struct link *conn_accepted; /* the link that accepted the connection */
	struct held *held, **held_last;
	struct trace conn_trace;

	/* Message. */
	struct trace trace;
	bool accepted;
	bool decided; /* `decision` is what the message ends with */
	bool given;   /* and the MTA was told */
	bool logged;
	bool held_for_rcpt;
	struct decision decision;     /* accept, or what the message ends with */
	struct decision discard;      /* the latest recipient discarded */
	struct decision refused_rcpt; /* the latest recipient refused */
	struct cm_final final;
	unsigned refused_logged;
	size_t discarded; /* recipients */
	int64_t spent;	  /* microseconds in hooks */
};

/* message.c */
/* Forgets the message before; its arena is about to end or has just begun. */
void message_reset(struct run *);

/* trace.c */
void trace_init(struct trace *);
/* Records what a link did; repeated calls without a verdict are one record. */
void trace_add(struct cm_session *, const struct cm_event *, const struct decision *,
	enum cm_verdict said, bool shadow, bool failed, int64_t us);

/* link.c */
bool link_watched(const struct run *, const struct cm_session *, const struct link *);
bool link_off(const struct run *, const struct link *);

/* hook.c */
/* Runs the hook; d is what counts: CM_CONTINUE for a watched link. */
void hook_run(struct cm_session *, struct link *, const struct cm_event *, struct decision *d);

/* profile.c */
/* Chooses the profile for what is known now; at MAIL for good. False: nobody knows which. */
bool profile_choose(struct cm_session *);

/* hold.c */
void hold_add(struct cm_session *, const struct decision *);
/* The held refusal that counts in the chosen profile; NULL: none. */
const struct decision *hold_find(const struct run *);
/* Shows connect and HELO to links of the chosen profile that were not asked then. */
void hold_catch_up(struct cm_session *);

/* A new HELO takes the place of the old one and of what was said to it. */
void hold_forget_helo(struct cm_session *);

/* links.c */
/* An earlier link accepted the scope of this stage. */
bool links_accepted(const struct run *, const struct stage *);
void links_run(struct cm_session *, const struct cm_event *, struct decision *);

/* summary.c */
void summary_write(struct cm_session *);
void summary_rcpt(struct cm_session *, const struct cm_event *, const struct decision *);

static inline const struct stage *
event_stage(const struct cm_event *ev)
{
	return &stages[ev->stage];
}

#endif
