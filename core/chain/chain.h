/* SPDX-License-Identifier: MIT */
/*
 * chain.h - profiles, links, and running one event through them
 *
 * Built once per generation of the configuration and immutable after chain_finish(); what a session
 * has on top is its struct run. Knows plugins only as tables of hooks.
 */
#ifndef CORE_CHAIN_CHAIN_H
#define CORE_CHAIN_CHAIN_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "live.h"
#include "mail/reply.h"
#include "mail/session.h"
#include "trace.h"

struct breaker;

enum link_mode { LINK_ENFORCE, LINK_SHADOW, LINK_OFF };
enum link_failure { LINK_TEMPFAIL, LINK_ACCEPT, LINK_REJECT, LINK_SKIP };
/* What a link that tripped counts as: no opinion, or what on_error says. */
enum link_tripped { LINK_TRIPPED_SKIP, LINK_TRIPPED_ON_ERROR };

#define LINK_SAMPLE_ALL INT64_C(10000) /* hundredths of a percent */

/* The settings every plugin and script has; its rows are chain_link_rows. */
struct link_settings {
	int mode;     /* enum link_mode */
	int on_error; /* enum link_failure */
	int64_t timeout_us;
	int64_t sample; /* hundredths of a percent that are enforced; the rest is shadow */
	int64_t until;	/* mode holds until then, then enforce; 0: for ever */
	bool stop_early;
	struct cm_rate trip_after; /* failures; count 0: never */
	int tripped;		   /* enum link_tripped */
};

extern const struct cm_option chain_link_rows[];
extern const size_t chain_link_row_count;

/* One instance of a plugin or script: what the chain of a profile names. */
struct link {
	const char *name; /* in filter.conf */
	const struct cm_plugin *plugin;
	void *config;
	struct link_settings set;
	struct breaker *breaker; /* NULL: never trips */
	struct live *live;	 /* live_join(); NULL: none */
	uint32_t needs;		 /* plugin's, plus stop_early */
	uint32_t silent;	 /* bit per stage at which it never has a verdict */
	_Atomic uint32_t warned; /* rights whose absence was said in the log */
	bool adds;		 /* such as a signature, and checks only other mail */
	unsigned index;		 /* in struct chain.links and of its state in a session */
	const char *left_out;	 /* why a rule could not be loaded, "x.lua:2: ..."; or NULL */
	bool asked;		 /* by rules: the link for their function of its type's name */
};

enum profile_login { PROFILE_ANY, PROFILE_AUTHENTICATED, PROFILE_ANONYMOUS };
enum profile_hold { PROFILE_HOLD_MAIL, PROFILE_HOLD_RCPT };

struct profile {
	const char *name;
	struct cm_numbers ports;	   /* {daemon_port}; none: any */
	struct cm_list daemons;		   /* {daemon_name}; none: any */
	const struct cm_networks *clients; /* NULL: any */
	int login;			   /* enum profile_login */
	int mode;			   /* enum link_mode */
	int hold;			   /* enum profile_hold: where held refusals are given */
	struct link **at[CM_STAGE_COUNT]; /* links that hook the stage, in order; NULL-terminated */
	bool *has;			  /* by link index: the profile's chain names it */
	struct link **links;		  /* those it names, in its order */
	size_t link_count;
	struct profile_counts *counts; /* counts_join(); NULL: none */
};

struct chain {
	struct profile *profiles; /* in file order; the first whose conditions hold */
	size_t profile_count;
	struct link **links;
	size_t link_count;
	struct cm_map *const *maps; /* all of filter.conf, for cm_map_find() */
	size_t map_count;
	struct resolver *resolver;     /* for cm_dns(); only carried */
	struct geo_file *geo[2];       /* for m.geo of rules, NULL: none; only carried */
	const struct geo_place *place; /* of each client, in the place of databases; or NULL */
	const struct notice_settings *notices; /* for notify{} of rules, and of links that trip */
	const struct cm_networks *trusted;
	enum link_failure fail_action; /* on_error where a link says nothing */
	int64_t message_timeout_us;
	struct session_limits limits;
	const char *authserv_id;
	bool summary; /* log one line per message */
};

/* What the doors ask of an MTA for this chain: negotiation is derived from it. */
struct chain_needs {
	uint32_t stages;    /* bit per stage that must be sent */
	uint32_t replies;   /* bit per stage whose reply must be waited for */
	uint32_t rights;    /* CM_EDIT_* */
	bool headers, body; /* kept */
	bool rejected;	    /* recipients that the MTA refuses are to be sent, too */
	bool blanks;	    /* what is between a field's colon and its value is to be sent */
	bool size;	    /* header and body are counted */
	const char *const *macros[CM_STAGE_COUNT]; /* NULL-terminated, no doubles, sorted */
	const char *asked; /* all of their names, each with a blank behind it */
};

/* The needs of all links of all profiles; macros live in the arena. */
void chain_needs(const struct chain *, struct arena *, struct chain_needs *);

/* What the door tells the MTA. */
struct answer {
	enum cm_verdict verdict;   /* CONTINUE, ACCEPT, REJECT, TEMPFAIL or DISCARD */
	struct reply reply;	   /* REJECT and TEMPFAIL */
	bool skip;		   /* body: nobody wants more of it */
	const struct edit **edits; /* eom, not refused: in order of application */
	size_t edit_count;
};

/* What became of a message. */
struct chain_outcome {
	const char *word;   /* "accept", "reject", "tempfail", "discard", "quarantine" */
	const char *by;	    /* link that decided; "core" for the core; NULL: none */
	struct reply reply; /* code 0: none */
	const char *reason; /* NULL: none */
};

/* Begins and ends the chain's part of a session. Open after rights and no_reply are set. */
void chain_open(const struct chain *, struct cm_session *);
void chain_close(struct cm_session *);
/*
 * Answers in the place of hooks, as a hook does: with a verdict, and the services' words about it.
 * For what is played again and is not whole. False: the hook is to answer itself.
 */
struct chain_stand_in {
	bool (*answers)(void *context, struct cm_session *, const struct link *,
		const struct cm_event *, enum cm_verdict *);
	void *context;
};
/* For an open session, until it is closed; the struct is borrowed. */
void chain_set_stand_in(struct cm_session *, const struct chain_stand_in *);
/* Keeps the event in the session, shows it to the links, fills the answer. */
void chain_event(struct cm_session *, const struct cm_event *, struct answer *);
/* 421 4.3.2 for an event of a message that comes while the daemon ends; one log line, at MAIL. */
void chain_turn_away(struct cm_session *, const struct cm_event *, struct answer *);
/* The door could not do what the answer at eom asked for: it becomes a temporary failure. */
void chain_undo(struct cm_session *, struct answer *, const char *reason);
/* The edits that count of those that were asked for so far, as they would be applied now. */
struct edit_plan chain_plan_edits(struct cm_session *);
/* RSET, abort, a new MAIL, after eom, close: writes the summary. Idempotent. */
void chain_end_message(struct cm_session *);

/* Some link that runs has a probe. */
bool chain_has_probe(const struct chain *);
/* Calls the probes one after the other, in a session that was opened, as long as they are wanted.
 */
void chain_probe(struct cm_session *, bool (*wanted)(const void *context), const void *context);

/* What a link that was asked has to say. */
struct chain_opinion {
	enum cm_verdict verdict;
	struct reply reply;
	const char *reason; /* NULL: none */
};

/* The running link's results are to be published when somebody reads them. */
void chain_results_due(struct cm_session *, bool may_wait);
/* Which of them: those that are there, and those that must be waited for. */
enum { CHAIN_RESULTS_THERE = 1, CHAIN_RESULTS_LATE = 2, CHAIN_RESULTS_ALL = 3 };
/*
 * Somebody reads results of plugins of that type (NULL: of all) in this message: they are published
 * now. A plugin that reads results of its own type reads what there is.
 */
void chain_publish(struct cm_session *, const char *type, unsigned which);
/* Reading one may wait. */
bool chain_results_late(const struct cm_session *, const char *type);
/* Whether somebody reads why a link had no opinion; from the next event on. Else: somebody does. */
void chain_explain(struct cm_session *, bool explained);
bool chain_explained(const struct cm_session *);

/*
 * Asks a link, in the hook of another (struct cm_plugin.ask). One that is off or only watched has
 * no opinion, though it may give a reason.
 */
void chain_ask(struct cm_session *, struct link *, const struct cm_event *, const void *options,
	struct chain_opinion *);

/*
 * The profile for what is known of the session now. CM_NONE: none matches. CM_UNDELIVERED: a
 * condition asks for what this MTA does not tell, so nobody knows.
 */
enum cm_known
chain_profile(const struct chain *, const struct cm_session *, const struct profile **);
/* The profile of the connection so far, or of the message; NULL: none. */
const struct profile *chain_chosen(const struct cm_session *);
/* The link whose hook runs now; for the bodies of the services. NULL outside hooks. */
struct link *chain_running(const struct cm_session *);
/*
 * The first link of this type of plugin has its turn at this stage behind the running one, and is
 * there to check mail.
 */
bool chain_comes_later(const struct cm_session *, const char *type);
/* Is the running link only watched (its edits are not queued)? */
bool chain_running_shadow(const struct cm_session *);
/* It asked for an edit of this kind, which was checked. */
void chain_watch_edit(struct cm_session *, enum edit_kind);
/* What it will fail with, if it does; else CM_FAILED is an error. */
void chain_set_failure(const struct cm_session *, enum failure);
/* The message is outside of the link's sample: what was said at connect and HELO does not count. */
bool chain_sampled_out(const struct cm_session *, const struct link *);
/* Another asked it: its reply is part of that one's, which gets the id. */
bool chain_running_asked(const struct cm_session *);
/* The running link's reply and reason slots; used by cm_reply(), cm_reason(). */
struct reply *chain_running_reply(struct cm_session *);
void chain_set_reason(struct cm_session *, const char *reason);
/* What the running link published under "result", for the trace. */
void chain_set_result(struct cm_session *, const char *result);
void *chain_conn_state(struct cm_session *); /* of the running link */
void *chain_msg_state(struct cm_session *);
int64_t chain_deadline(const struct cm_session *);
const struct chain *chain_of(const struct cm_session *);
/* What happened to the connection (connect, helo) and to the message. */
const struct trace *chain_conn_trace(const struct cm_session *);
const struct trace *chain_trace(const struct cm_session *);
const struct cm_final *chain_final(const struct cm_session *);
/*
 * What becomes of the message as far as the MTA was told; of one without an answer, what its
 * refused recipients were told. False: nobody was told anything. Texts live as long as the message.
 */
bool chain_outcome(const struct cm_session *, struct chain_outcome *);
/* What the MTA was asked to do with it, in order of application. */
const struct edit *const *chain_edits(const struct cm_session *, size_t *count);
/* Where the answer of the running command goes; NULL outside of one. */
struct command_sink *chain_sink(const struct cm_session *);

#endif
