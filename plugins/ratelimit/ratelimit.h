/* SPDX-License-Identifier: MIT */
/*
 * ratelimit.h - what the parts of plugin ratelimit share
 *
 * A key says whose limit it is, a subject is one such whom a message has met, and a bucket is what
 * the store keeps of him. What is taken from a bucket is reserved, and ends with the message.
 */
#ifndef PLUGINS_RATELIMIT_RATELIMIT_H
#define PLUGINS_RATELIMIT_RATELIMIT_H

#include <chainmail/plugin.h>

#define RATELIMIT_PARTS	    8u
#define RATELIMIT_NAMES	    (3u * RATELIMIT_PARTS + 2u)
#define RATELIMIT_TEXT_SIZE 512u

/* What is counted; in the order of the choices. */
enum ratelimit_count {
	RATELIMIT_MESSAGES,
	RATELIMIT_RECIPIENTS,
	RATELIMIT_DISTINCT,
	RATELIMIT_BYTES,
	RATELIMIT_CONNECTIONS,
	RATELIMIT_ERRORS
};

enum ratelimit_over { RATELIMIT_TEMPFAIL, RATELIMIT_REJECT, RATELIMIT_TAG, RATELIMIT_SHADOW };

enum ratelimit_away { RATELIMIT_MEMORY, RATELIMIT_WAIT, RATELIMIT_SKIP };

/* A limit as a store wants it: counts are in units, so that they are small enough for it. */
struct ratelimit_limit {
	struct cm_limit limit;
	int64_t unit; /* octets, or 1 */
};

/* A line of the map of limits. */
enum ratelimit_line { RATELIMIT_INHERIT, RATELIMIT_UNLIMITED, RATELIMIT_CLASS, RATELIMIT_LIMITED };

struct ratelimit_config {
	struct cm_list key, exempt;
	struct cm_rates limit;
	int64_t burst, prefix_v4, prefix_v6;
	int count, over, update, on_store_error;
	bool skip_trusted;
	const struct cm_store *store;
	const struct cm_map *exempt_map, *limits;
	const char *tag_header, *text;
	/* Made of them at the start. */
	size_t part_count;
	unsigned parts[RATELIMIT_PARTS];
	bool limited; /* all is a limit; else only the map has some */
	struct ratelimit_limit all;
};

/* --- keys: ratelimit_key.c --- */

bool ratelimit_check_part(const char *, char *why, size_t why_size);
/* Fills part_count and parts, and says what does not go with what is counted. */
bool ratelimit_start_key(struct ratelimit_config *, char *why, size_t why_size);
bool ratelimit_key_has(const struct ratelimit_config *, const char *part);
/* The key differs from recipient to recipient. */
bool ratelimit_key_by_rcpt(const struct ratelimit_config *);

/* The texts of a key's parts, at one step of a conversation. */
struct ratelimit_who {
	const char *values[RATELIMIT_PARTS];
	const char *missing; /* the part that nobody told; NULL: none */
};

/* CM_NONE: a part is missing, and the limit does not apply. */
enum cm_known
ratelimit_who(struct cm_session *, const struct cm_address *rcpt, struct ratelimit_who *);

/* "192.0.2.0/24" of an address, as long as the settings say; NULL: it is none. */
const char *ratelimit_net(struct cm_session *, const char *ip);

/*
 * Appends "/" (but not to nothing) and the text, with %XX for what is no part of a path; lower case
 * where fold is set. The octets that it takes, also where they do not fit into size.
 */
size_t ratelimit_append(char *out, size_t size, size_t len, const char *text, bool fold);
/* "limit/LINK/bob", and in *shown what stands behind the link. */
const char *ratelimit_key(
	struct cm_session *, const char *first, const struct ratelimit_who *, const char **shown);
/* The names under which he may stand in maps and lists, the most specific first. */
size_t ratelimit_names(
	struct cm_session *, const struct ratelimit_who *, const char *names[RATELIMIT_NAMES]);

/* --- limits: ratelimit_limit.c --- */

/* Counts in units that a store can take; false with words. */
bool ratelimit_make(struct ratelimit_limit *, const struct cm_rates *, int64_t burst, char *why,
	size_t why_size);
/* A line of the map; name is that of its class. False with words. */
bool ratelimit_parse(const char *line, enum ratelimit_line *, struct ratelimit_limit *,
	const char **name, char *why, size_t why_size);
bool ratelimit_check_line(const char *, char *why, size_t why_size);
bool ratelimit_start(void *config, char *why, size_t why_size);
/* What so many octets or pieces cost; never more than a store can take. */
int64_t ratelimit_cost(const struct ratelimit_limit *, int64_t amount);

/* --- subjects and buckets: ratelimit_subject.c, ratelimit_bucket.c --- */

enum ratelimit_outcome {
	RATELIMIT_OK,
	RATELIMIT_OVER,
	RATELIMIT_AWAY,	 /* the store, and on_store_error says what that means */
	RATELIMIT_BROKEN /* nobody can tell */
};

/* What a step came to. */
struct ratelimit_answer {
	enum ratelimit_outcome outcome;
	const struct ratelimit_limit *limit; /* NULL: no step was needed */
	struct cm_limit_answer store;	     /* never: nor will the message as a whole */
	bool alone;			     /* over, and the message takes a burst by itself */
	bool memory;			     /* counted in memory, for the store is away */
};

/* What was reserved in one minute, in one store. */
struct ratelimit_slot {
	struct ratelimit_slot *next;
	const struct cm_store *store;
	int64_t at, cost;
};

struct ratelimit_member {
	struct ratelimit_member *next;
	const char *seen; /* key in the store */
};

struct ratelimit_bucket {
	const char *key, *seen; /* seen: what the keys of recipients begin with; NULL: none */
	struct ratelimit_limit limit;
	const struct cm_store *store; /* that answers; NULL: not asked yet */
	struct ratelimit_slot *slots;
	struct ratelimit_member *members;
	int64_t reserved; /* all slots */
	int64_t taken;	  /* by recipients that nobody refused */
	int64_t spare;	  /* reserved for such as somebody did */
};

enum ratelimit_kind { RATELIMIT_IS_LIMITED, RATELIMIT_IS_EXEMPT, RATELIMIT_IS_UNLIMITED };

struct ratelimit_subject {
	struct ratelimit_subject *next;	    /* of the message; the first one leads to all */
	struct ratelimit_subject *child[2]; /* by the bits of his key */
	const char *key, *shown;
	enum ratelimit_kind kind;
	bool live;  /* a recipient of his was taken by all */
	bool asked; /* and `answer` is that to his message */
	struct ratelimit_answer answer;
	size_t bucket_count;
	struct ratelimit_bucket *bucket;
};

/* What the latest recipient took, until it is known whether a later link refuses it. */
struct ratelimit_latest {
	struct ratelimit_subject *subject; /* NULL: none */
	unsigned buckets;		   /* bit for each that it took from */
	const char *rcpt;
	size_t before; /* recipients there were */
};

/* What its results say once somebody reads them. */
struct ratelimit_said {
	const struct ratelimit_subject *subject; /* NULL: nothing */
	bool numbers;
	int64_t used, limit; /* in units of the limit's */
};

struct ratelimit_message {
	struct ratelimit_said latest_said;    /* under the link's name */
	struct ratelimit_said strongest_said; /* as the type's */
	const char *word;		      /* the strongest that it said; NULL: none */
	struct ratelimit_subject *subjects;
	struct ratelimit_latest latest;
	int64_t size; /* as declared, then as it came; 0: not known */
	bool measured;
	bool tagged;
	size_t refused;	 /* recipients, by the MTA */
	size_t rejected; /* by links, when the latest recipient came, */
	size_t own;	 /* and by this one */
	bool refusing;	 /* this one, the latest */
	int64_t errors;	 /* that were counted already */
};

/*
 * Him of the message, met before or now. NULL: the maps could not be read or make no sense, and the
 * reason is set.
 */
struct ratelimit_subject *ratelimit_subject(
	struct cm_session *, struct ratelimit_subject **list, const struct ratelimit_who *);
struct ratelimit_answer
ratelimit_look(struct cm_session *, struct ratelimit_bucket *, int64_t cost);
struct ratelimit_answer
ratelimit_reserve(struct cm_session *, struct ratelimit_bucket *, int64_t cost);
/* One; of what is spare, where something is. */
struct ratelimit_answer ratelimit_reserve_one(struct cm_session *, struct ratelimit_bucket *);
/* Reserves anew what the store may have forgotten meanwhile. */
struct ratelimit_answer ratelimit_renew(struct cm_session *, struct ratelimit_bucket *);
/* Ends what was reserved: cost was taken in the end, the rest is given back. */
void ratelimit_settle(struct cm_session *, struct ratelimit_bucket *, int64_t cost);
/* Counts what is done already. */
void ratelimit_count(struct cm_session *, struct ratelimit_bucket *, int64_t cost);
/* For a recipient who is new to the bucket in its period; *took: something was reserved. */
struct ratelimit_answer
ratelimit_reserve_new(struct cm_session *, struct ratelimit_bucket *, const char *rcpt, bool *took);
void ratelimit_add_member(struct cm_session *, struct ratelimit_bucket *, const char *rcpt);
/* Of the members, those that nobody else has counted meanwhile. */
int64_t ratelimit_count_members(struct cm_session *, struct ratelimit_bucket *);

/* --- messages: ratelimit_take.c --- */

/* Something is taken for recipients, */
bool ratelimit_takes(const struct ratelimit_config *);
/* or all for the message, which is known at MAIL: the key is not of a recipient. */
bool ratelimit_at_mail(const struct ratelimit_config *);
/* The latest recipient was refused by a later link, or not: it can be told now. */
void ratelimit_settle_latest(struct cm_session *, struct ratelimit_message *);
/* Takes what this recipient costs. */
struct ratelimit_answer ratelimit_take(struct cm_session *, struct ratelimit_message *,
	struct ratelimit_subject *, const struct cm_address *rcpt);
/* The same, at MAIL. */
struct ratelimit_answer ratelimit_take_message(struct cm_session *, struct ratelimit_subject *);
/* The message has ended. */
void ratelimit_settle_subject(struct cm_session *, const struct ratelimit_message *,
	struct ratelimit_subject *, bool accepted);

/* --- errors: ratelimit_error.c --- */

/* At rcpt, of one that the MTA refused: for good. */
bool ratelimit_refused_by_mta(const struct cm_session *);
/* Recipients refused for good so far. */
int64_t ratelimit_count_refused(struct cm_session *, struct ratelimit_message *);
/* At the end: with the message itself. */
int64_t ratelimit_count_errors(struct cm_session *, struct ratelimit_message *);
/* Counts those there are since the last time. */
void ratelimit_count_new(struct cm_session *, struct ratelimit_message *,
	const struct ratelimit_subject *, int64_t errors);

/* --- for people: ratelimit_who.c, ratelimit_show.c, ratelimit_command.c --- */

/*
 * Whose limit "bob/198.51.100.7" is, as people and keys in a store write it: %XX is an octet, an
 * address may be written in any way, and stands for its network where that is the part. *rest:
 * what stands behind the last part; NULL: nothing. False with words.
 */
bool ratelimit_read_who(struct cm_session *, const char *text, struct ratelimit_who *,
	const char **rest, char *why, size_t why_size);
/* His key as it can be read, and be given to ratelimit_read_who(): printable ASCII. */
const char *ratelimit_readable(struct cm_session *, const struct ratelimit_subject *);

/* How full a bucket is, in hundredths of a percent; -1: the store does not answer. */
int64_t ratelimit_fullness(struct cm_session *, struct ratelimit_bucket *);
/* Rows: of a list the fullest window of the bucket alone, with what people read each. False: the
 * store does not answer. */
bool ratelimit_list_bucket(
	struct cm_session *, const struct ratelimit_subject *, struct ratelimit_bucket *);
bool ratelimit_show_subject(struct cm_session *, struct ratelimit_subject *);

#define RATELIMIT_COMMANDS 3u
extern const struct cm_command ratelimit_commands[RATELIMIT_COMMANDS];

/* --- texts: ratelimit_text.c --- */

bool ratelimit_check_header(const char *, char *why, size_t why_size);
bool ratelimit_check_text(const char *, char *why, size_t why_size);
#define RATELIMIT_WORDS 40u

/* "1h", for keys; "hour", "2 hours" */
void ratelimit_short(int64_t us, char out[RATELIMIT_WORDS]);
void ratelimit_period(int64_t us, char out[RATELIMIT_WORDS]);
/* "12 minutes": not less than it is. */
void ratelimit_wait(int64_t us, char out[RATELIMIT_WORDS]);
/* "200", or "50 MB" of octets */
void ratelimit_amount(int64_t amount, bool octets, char out[RATELIMIT_WORDS]);
/* The words of a refusal. */
void ratelimit_reply(struct cm_session *, const struct ratelimit_subject *,
	const struct ratelimit_answer *, char out[RATELIMIT_TEXT_SIZE]);

/* "bob: 183 of 200 recipients per hour" as the reason. */
void ratelimit_explain(
	struct cm_session *, const struct ratelimit_subject *, const struct ratelimit_answer *);

/* --- results: ratelimit_result.c --- */

/* Results, and the reason; answer NULL: none was asked for. */
void ratelimit_publish(
	struct cm_session *, const struct ratelimit_subject *, const struct ratelimit_answer *);
void ratelimit_publish_none(struct cm_session *, const char *missing);
/* What waited for a reader. */
void ratelimit_publish_said(struct cm_session *);

#define RATELIMIT_PUBLISHED 5u
extern const struct cm_published ratelimit_published[RATELIMIT_PUBLISHED];

#endif
