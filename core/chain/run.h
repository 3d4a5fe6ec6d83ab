/* SPDX-License-Identifier: MIT */
/*
 * run.h - what the chain knows of one session; inside this room only
 */
#ifndef CORE_CHAIN_RUN_H
#define CORE_CHAIN_RUN_H

#include "breaker.h"
#include "chain.h"

/* A verdict and all that goes with it. */
struct decision {
	enum cm_verdict verdict;
	struct reply reply;
	const struct link *link; /* NULL: the core itself */
	enum cm_stage stage;
	const char *reason;
	const char *result; /* that it published; NULL: none */
};

/* A refusal at connect or HELO that waits for MAIL or RCPT; in the arena of that stage. */
struct held {
	struct decision decision;
	struct held *next;
};

struct link_state {
	void *conn, *msg;
	struct trace_record *last; /* of this link, to count repeated calls */
	uint8_t due;		   /* its results, when somebody reads them: CHAIN_RESULTS_* */
	uint32_t seen;		   /* bit per stage of the connection that it was shown */
	uint32_t counted;	   /* the same, in a profile that is enforced */
	bool off;		   /* the MTA lacks a right it needs */
	bool conn_done, msg_done;
	uint32_t complained; /* bit per stage: said in this message, or before it */
	bool sampled_out;    /* the message is none of the link's sample */
	/* What it would have done: bit per enum would, by where it was watched. */
	uint8_t would_connect, would_helo, would_msg;
	/* Of a link with a breaker. */
	uint8_t pass;  /* enum breaker_pass of the message */
	bool tallied;  /* a failure of this message, or before it, was counted */
	bool tried_it; /* what a try is about went well so far */
	struct breaker_ticket ticket;
};

struct run {
	const struct chain *chain;
	const struct profile *profile;
	struct link_state *states; /* by link index */

	/* The hook that runs now. */
	struct link *link;
	bool shadow;
	bool asked;	  /* by another, whose reply its words may become */
	uint32_t watched; /* what it asked for in vain: bit per kind of edit */
	struct reply reply;
	const char *reason, *result;
	enum failure failure;
	bool innocent; /* it is not to blame for it, and must not trip */
	int64_t deadline;
	int64_t now;			       /* end of the hook before */
	const struct chain_stand_in *stand_in; /* NULL: none */
	struct command_sink *sink;	       /* where a command's answer goes; NULL: none runs */
	bool unread; /* nobody reads reasons of links that had no opinion */

	/* Connection. */
	bool sees_all;		     /* header and body are sent by the MTA */
	struct decision conn_accept; /* the link that accepted the connection; NULL: none */
	bool own;		     /* the latest HELO says that a notice of ours comes */
	struct held *held, **held_last;
	struct trace conn_trace;

	/* Message. */
	struct trace trace;
	size_t due, late; /* links whose results wait for a reader; and who must wait for them */
	bool accepted;
	bool decided; /* `decision` is what the message ends with */
	bool given;   /* and the MTA was told */
	bool logged;
	bool held_for_rcpt;
	struct decision decision;     /* accept, or what the message ends with */
	struct decision refused_rcpt; /* the latest recipient refused */
	size_t rejected_rcpts;	      /* for good */
	const char *refused_addr;
	bool skipped; /* the MTA was told not to send the rest of the body */
	struct cm_final final;
	unsigned refused_logged;
	bool stray;    /* said that events came without a message */
	bool cut_said; /* that the body is too large to be kept */
	int64_t spent; /* microseconds in hooks */
	/* What the message's fate is made of at its end. */
	const struct edit **edits;
	size_t edit_count;
};

/* message.c */
/* The message ends so, as soon as the MTA can be told. */
void message_decide(struct run *, const struct decision *);
/* Tells the MTA, at this stage, how the message ends. */
void message_give(struct cm_session *, enum cm_stage, struct answer *);
/* The end of a message that the MTA never finished: what it was told last. */
void message_conclude(struct run *, const struct cm_session *);
/*
 * The word for what became of the message, and the decision behind it (NULL: nobody made one);
 * held is room for one. "abandoned" where nobody was told anything.
 */
const char *
message_outcome(const struct cm_session *, struct decision *held, const struct decision **);
/* Forgets the message before; its arena is about to end or has just begun. */
void message_reset(struct run *);

/* eom.c */
void eom_settle(struct cm_session *, const struct cm_event *, struct answer *);

/* refuse.c */
enum refusal {
	REFUSE_NOTHING,
	REFUSE_HEADER, /* over its limit */
	REFUSE_RCPTS,  /* over their limit */
	REFUSE_SENDER, /* nobody knows whose address it is */
	REFUSE_RCPT,
	REFUSE_FIELD, /* no MTA passes on such a name */
	REFUSE_STRAY, /* the message was ended, or never began: nobody saw its beginning */
	REFUSE_DRAIN
};
/* Refusals for what a message says are given in profiles that are enforced. */
bool refuse_enforced(const struct run *);
/* What is wrong with the event, in a profile that is enforced. */
enum refusal refuse_nonsense(const struct run *, const struct cm_event *);
void refuse_decide(struct cm_session *, const struct cm_event *, enum refusal, struct decision *);
void refuse_stray(struct cm_session *, const struct cm_event *, struct answer *);

/* trace.c */
void trace_init(struct trace *);
/* Drops the records of that stage. */
void trace_forget(struct trace *, enum cm_stage);
/* Records what a link did; repeated calls without a verdict are one record. */
void trace_add(struct cm_session *, const struct cm_event *, const struct decision *,
	enum cm_verdict said, bool shadow, bool failed, int64_t us);

/* link.c */
bool link_watched(const struct run *, const struct link *);
/* At MAIL: is the message outside of its sample? By client and sender, so always the same ones. */
bool link_sampled_out(const struct cm_session *, const struct link *);
/* Every message is, so nobody need wait for MAIL. */
bool link_sampled_none(const struct link *);
/* Not run: switched off, or without a right it needs. */
bool link_dormant(const struct run *, const struct link *);
/* The same, or its profile is off. */
bool link_off(const struct run *, const struct link *);

/* trip.c: of links with a breaker. */
/* Its calls in this message, or this call of the connection, may run. */
bool trip_lets(struct cm_session *, struct link *, enum cm_stage);
/* A call that ran is over. */
void trip_note(struct cm_session *, struct link *, const struct decision *, bool failed);
/* The message is over. */
void trip_end(struct link_state *, struct link *);
/* It was stopped, and so sees nothing of the message. */
bool trip_stopped(const struct run *, const struct link *);

/* trip_notice.c: the link is open for this failure; mail to notify.postmaster, once an hour. */
void trip_tell(const struct cm_session *, struct link *, const struct decision *);

/* hook.c */
/*
 * Runs the hook; d is what counts: CM_CONTINUE for a watched link. False: it was not shown the
 * event, for it had tripped.
 */
bool hook_run(struct cm_session *, struct link *, const struct cm_event *, struct decision *d);
/* What is left for a call, microseconds; not more than 0: nothing. */
int64_t hook_time_left(const struct cm_session *, const struct link *);
/* What a watched link would have done, with what it asked for in vain. */
void hook_note_would(struct run *, const struct link *, enum cm_stage, enum cm_verdict);

/* profile.c */
/* What the link said at connect or HELO counts in the chosen profile. */
bool profile_counts(const struct run *, const struct link *);
/* Chooses the profile for what is known now; at MAIL for good. False: nobody knows which. */
bool profile_choose(struct cm_session *);

/* hold.c */
/* The held refusal that counts in the chosen profile; NULL: none. */
const struct decision *hold_find(const struct run *);
/* Keeps what links said at connect or HELO: an accept, or a refusal. */
void hold_settle(struct cm_session *, const struct decision *);
/* Shows connect and HELO to links of the chosen profile that were not asked then. */
void hold_catch_up(struct cm_session *);
/* A new HELO takes the place of the old one and of what was said to it; before it is kept. */
void hold_forget_helo(struct cm_session *);

/* links.c */
/* An earlier link accepted the scope of this stage. */
bool links_accepted(const struct run *, const struct stage *);
/* The link would be shown another event of this stage. */
bool links_wanted(const struct run *, const struct link *, const struct stage *, bool accepted);
void links_run(struct cm_session *, const struct cm_event *, struct decision *);

/* needs.c */
/* Some profile that is on names the link, and it is or will be on. */
bool needs_link(const struct chain *, const struct link *);
/* The stages, as bits, at which some link is shown something. */
uint32_t needs_hooked(const struct chain *);
/* Some link of the chain needs the stage to be sent. */
bool needs_stage(const struct chain *, enum cm_stage);

/* needs_macro.c */
/* Fills the lists of macros; the stages are known. */
void needs_macros(const struct chain *, struct arena *, struct chain_needs *);

/* summary.c */
void summary_write(struct cm_session *);
void summary_rcpt(struct cm_session *, const struct cm_event *, const struct decision *);
/* A refusal outside of any message. */
void summary_refusal(struct cm_session *, const struct cm_event *, const struct decision *);

static inline const struct stage *
event_stage(const struct cm_event *ev)
{
	return &stages[ev->stage];
}

#endif
