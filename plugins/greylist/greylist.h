/* SPDX-License-Identifier: MIT */
/*
 * greylist.h - what the parts of plugin greylist share
 *
 * A triple (from where, sender, recipient) has a record in the store; so has a network or domain
 * whose triples passed. Records and the clock go in, an outcome and a new record come out.
 */
#ifndef PLUGINS_GREYLIST_GREYLIST_H
#define PLUGINS_GREYLIST_GREYLIST_H

#include <chainmail/plugin.h>

#define GREYLIST_SECOND	   INT64_C(1000000)
#define GREYLIST_PART_SIZE 160u /* of a key's part, as it is written there */
#define GREYLIST_KEY_SIZE  700u /* of four such parts */
#define GREYLIST_DAY	   (24 * 3600 * GREYLIST_SECOND)
#define GREYLIST_FROM	   300u	      /* of a network or domain */
#define GREYLIST_RECORD	   21u	      /* octets of a record in the store */
#define GREYLIST_FOR_EVER  UINT32_MAX /* passes of what a person has allowed */

enum greylist_on_error { GREYLIST_SKIP, GREYLIST_TEMPFAIL, GREYLIST_MEMORY };
enum greylist_null_sender { GREYLIST_AT_DATA, GREYLIST_AT_RCPT };

struct greylist_config {
	int64_t delay_us, window_us, remember_us;
	int64_t prefix_v4, prefix_v6, allow_after, max_new;
	int on_store_error; /* enum greylist_on_error */
	int null_sender;    /* enum greylist_null_sender */
	bool use_spf;
	struct cm_skip skip;
	const struct cm_store *store;
};

enum greylist_outcome {
	GREYLIST_NEW,	  /* seen for the first time, or as if */
	GREYLIST_EARLY,	  /* came back too soon */
	GREYLIST_PASSED,  /* came back in time */
	GREYLIST_KNOWN,	  /* has passed before */
	GREYLIST_ALLOWED, /* where it comes from has passed often enough */
	GREYLIST_CROWDED, /* as new, and not remembered: too many are from there */
	GREYLIST_OUTCOMES
};

/* Where in the store everything about one triple is, as it is written there. */
struct greylist_keys {
	char head[GREYLIST_PART_SIZE + 16];		 /* greylist/LINK/ */
	char tail[3 * (GREYLIST_PART_SIZE + 1)];	 /* /FROM/SENDER/RECIPIENT */
	size_t head_len, from_len, sender_len, tail_len; /* of the tail: up to there */
};

/* What is kept about it. */
enum greylist_kind {
	GREYLIST_KEY_FROM,   /* record of where it comes from */
	GREYLIST_KEY_PASSED, /* set of the hours in which triples from there passed */
	GREYLIST_KEY_TRIPLE, /* record */
	GREYLIST_KEY_CLAIM   /* counter: who writes the first record */
};

/* Times are seconds since 1970. */
struct greylist_record {
	bool there;
	int64_t first, last;
	uint32_t passes;
};

/* Where a message comes from. */
struct greylist_source {
	bool known;   /* it was looked up */
	bool allowed; /* all from there pass */
	struct greylist_record record;
};

/*
 * The null sender is answered at DATA, for callouts ask no further than RCPT. Whether a later link
 * refuses a recipient is known when the next one comes.
 */
struct greylist_message {
	int64_t wait; /* longest of the recipients that were taken, seconds; 0: nobody must wait */
	int64_t latest; /* of the latest recipient */
	size_t before;	/* so many were taken before */
	struct greylist_source source;
	const char *from;	    /* what counts as the same client; NULL: not yet known */
	struct greylist_keys *keys; /* of the latest recipient; NULL: there was none */
	int64_t said_wait;	    /* seconds, of the latest result */
};

/* What becomes of one recipient. */
struct greylist_judgement {
	enum cm_verdict
		verdict; /* CM_CONTINUE; CM_FAILED; CM_TEMPFAIL: no store, the reply is set */
	int64_t wait;	 /* seconds; 0: it need not */
	const struct cm_address *rcpt;
	bool skipped, visited; /* it need not wait; the store was asked */
	const char *what;      /* for people */
	const char *from;      /* visited: what counts as the same client */
};

/* Options of greylist(m, { ... }) in rules. */
struct greylist_ask {
	int64_t delay_us; /* 0: as the plugin's */
};

/* greylist_sender.c */
/*
 * The sender without what changes from message to message (numbers, signatures, times); size is
 * that of addr, with its NUL, or more.
 */
void greylist_sender(const char *addr, char *out, size_t size);

/* greylist_record.c */
extern const char *const greylist_names[GREYLIST_OUTCOMES];
void greylist_decode(struct greylist_record *, const void *, size_t len);
void greylist_encode(const struct greylist_record *, unsigned char out[GREYLIST_RECORD]);
/*
 * What becomes of a recipient; the record becomes the new one. wait: seconds that are left. ttl:
 * for how long the record is kept, microseconds; 0: it stays as it is.
 */
enum greylist_outcome greylist_decide(const struct greylist_config *, struct greylist_record *,
	int64_t now, int64_t *wait, int64_t *ttl);
/* All from there pass. */
bool greylist_allowed(const struct greylist_config *, const struct greylist_record *from);
/* So does it for longer from now on; the record becomes the new one. False: not worth writing. */
bool greylist_renew(const struct greylist_config *, struct greylist_record *from, int64_t now);

/* greylist_key.c */
/* "203.0.113.0/24" of a client; false for what is no address. */
bool greylist_network(const struct greylist_config *, const char *ip, char *out, size_t size);
/* The same with 24 bits, or 48, at most: who has many networks still is one. */
bool greylist_site(const struct greylist_config *, const char *ip, char *out, size_t size);
/* The term of an SPF record lets anybody pass, or so many that its domain vouches for nobody. */
bool greylist_matches_anybody(const char *term);
/* As it stands in a key: odd octets are %XX, what is long is its beginning, ~ and a hash. Its
 * length.
 */
size_t greylist_write_part(char out[GREYLIST_PART_SIZE], const char *text);
/* "greylist/LINK/KIND/part/part": at most three parts, and a kind of at most 8 octets. */
void greylist_key(char out[GREYLIST_KEY_SIZE], const char *link, const char *kind,
	const char *const *parts, size_t count);
/* The recipient is told for each anew, and then keys are asked for. */
void greylist_keys(struct greylist_keys *, const char *link, const char *from, const char *sender);
void greylist_keys_rcpt(struct greylist_keys *, const char *rcpt);
void greylist_key_of(char out[GREYLIST_KEY_SIZE], const struct greylist_keys *, enum greylist_kind);
/* The part behind that many "/", as it is written; false: there is none. */
bool greylist_written_part(const char *key, unsigned index, char out[GREYLIST_PART_SIZE]);
/* The same, as it was. */
bool greylist_part(const char *key, unsigned index, char out[GREYLIST_PART_SIZE]);

/* greylist_visit.c */
/* What becomes of the triple, in that store; anything but CM_STORE_OK: nobody knows. */
enum cm_store_status greylist_visit(struct cm_session *, const struct cm_store *,
	const struct greylist_keys *, int64_t delay_us, enum greylist_outcome *, int64_t *wait);

/* greylist_judge.c */
/* What waited for a reader. */
void greylist_publish_said(struct cm_session *);
/* Looks one recipient up, publishes the result and remembers the visit. */
void greylist_judge(struct cm_session *, const struct cm_address *rcpt, int64_t delay_us,
	struct greylist_judgement *);
/* Says why, with more behind it. */
void greylist_give_reason(struct cm_session *, const struct greylist_judgement *, const char *more);
/* Sets the reply. */
enum cm_verdict greylist_make_wait(struct cm_session *, int64_t seconds);

/* greylist_ask.c */
#define GREYLIST_ASK_OPTIONS 1u
extern const struct cm_option greylist_ask_options[GREYLIST_ASK_OPTIONS];
enum cm_verdict greylist_ask(struct cm_session *, const struct cm_event *, const void *options);

/* greylist_command.c */
#define GREYLIST_COMMANDS 3u
extern const struct cm_command greylist_commands[GREYLIST_COMMANDS];

#endif
