/* SPDX-License-Identifier: MIT */
/*
 * live.h - what is known of a link beyond its configuration: its mode of today, what it did
 *
 * Belongs to the link's name in the running daemon: it stays over reloads and ends with the
 * process. A link that nobody joined (explain, tests of a chain) has none of it and counts nothing.
 */
#ifndef CORE_CHAIN_LIVE_H
#define CORE_CHAIN_LIVE_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counts.h"
#include "mail/session.h"

struct chain;
struct link;

/* What a link points to; the rest of it is in live.c. */
struct live {
	_Atomic uint64_t mode; /* 0: none is set; live_mode() reads it */
	struct link_counts counts;
};

/*
 * Before the chain is used: its links are given what their names have, and what belongs to names
 * that it has not is forgotten, their modes with a word in the log. One chain at a time.
 */
void live_join(struct chain *);

/* --- mode --- */

/* A mode that was set while the daemon runs; it goes before that of filter.conf. */
struct live_mode {
	bool set;
	int mode;      /* enum link_mode */
	int64_t until; /* seconds since 1970; 0: until it is changed or the daemon ends */
};

/* Which mode is set now; one that is over is not. */
struct live_mode live_mode(const struct link *);
void live_set_mode(struct link *, const struct live_mode *);
/* Says in the log which modes are over; now and then. */
void live_end_modes(void);

/* --- errors --- */

enum failure {
	FAILURE_ERROR,
	FAILURE_TIMEOUT,
	FAILURE_MEMORY,
	FAILURE_INPUT, /* the MTA does not tell what the link must know */
	FAILURE_KINDS
};

#define LIVE_ERRORS	 20u /* the latest that are kept of a link */
#define LIVE_REASON_SIZE 400u

struct live_error {
	int64_t at; /* seconds since 1970 */
	char id[SESSION_ID_SIZE];
	enum cm_stage stage;
	enum failure kind;
	char reason[LIVE_REASON_SIZE];
};

const char *failure_name(enum failure);
/* A call of the link in this session failed. */
void live_note_error(
	const struct cm_session *, struct link *, enum cm_stage, enum failure, const char *reason);
/* How many there were, by kind; the latest are copied, the newest first. How many these are. */
size_t
live_errors(const struct link *, uint64_t counts[FAILURE_KINDS], struct live_error[LIVE_ERRORS]);

/* True once an hour: a person may be told that it fails. Never of a link that nobody joined. */
bool live_may_tell(struct link *);

/* --- what a watched link would have done --- */

enum would {
	WOULD_ACCEPT,
	WOULD_CHANGE, /* edits */
	WOULD_DISCARD,
	WOULD_QUARANTINE,
	WOULD_REJECT,
	WOULD_TEMPFAIL,
	WOULD_KINDS
};

#define LIVE_SENDER_SIZE 96u
/* More senders of a link are not told apart. */
#define LIVE_SENDERS 2048u

struct live_would {
	uint64_t messages[WOULD_KINDS];
	uint64_t refused;  /* messages: rejected or for now */
	uint64_t affected; /* messages with any of it */
	unsigned senders;  /* different ones of them */
	bool more;	   /* LIVE_SENDERS, and others */
};

struct live_sender {
	char name[LIVE_SENDER_SIZE]; /* "<>": the null sender; longer ones are cut */
	uint64_t messages;
	int64_t last;	/* seconds since 1970 */
	unsigned would; /* bit per enum would */
};

const char *would_name(enum would);
/* At the end of a message: bit per enum would. */
void live_note_would(const struct cm_session *, struct link *, unsigned would);
struct live_would live_would(const struct link *);
/* The senders, those of most messages first; the caller free()s them. NULL: none. */
struct live_sender *live_senders(const struct link *, size_t *count);

#endif
