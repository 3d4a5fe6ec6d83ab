/* SPDX-License-Identifier: MIT */
/*
 * arc_check.h - is the chain of a message true (RFC 8617 section 5.2)
 *
 * Knows neither DNS nor a session: it is asked which keys it wants, and given them.
 */
#ifndef PLUGINS_ARC_CHECK_H
#define PLUGINS_ARC_CHECK_H

#include "../lib/arc_set.h"
#include "../lib/dkim_hash.h"
#include "../lib/dkim_key.h"
#include "../lib/dkim_name.h"

/*
 * Message signatures that are verified: the newest and so many older ones at most, to find out
 * since when the message is unchanged. Each costs a key and a hash of the header.
 */
#define ARC_MESSAGES_MOST 10u
/* Of one chain: a key for each seal, and one for each message signature. */
#define ARC_KEYS_MOST	(ARC_SETS_MOST + ARC_MESSAGES_MOST)
#define ARC_REASON_SIZE 256u

/* Where keys come from. */
struct arc_keys {
	void *context;
	/*
	 * The key of that name, to be given back with dkim_key_drop(). NULL: there is none that can
	 * be used, and *why says so for people; *later: that may change within minutes.
	 */
	const struct dkim_key *(*get)(
		void *context, const char *name, const char **why, bool *later);
};

struct arc_result {
	enum arc_status status;
	unsigned instance; /* where it failed; 0: nowhere, or in no set */
	unsigned
		oldest_pass; /* pass: the message is unchanged since that set; 0: since the first */
	bool later;	     /* fail: only because a key could not be had now */
	char reason[ARC_REASON_SIZE]; /* fail: why */
};

struct arc_check {
	const struct arc_chain *chain;
	const struct canon_field *fields;
	size_t count;
	int64_t now;
	bool hashing[2]; /* bodies that are hashed, by enum canon */
	bool failed;	 /* OpenSSL, or no memory */
	struct canon_body bodies[2];
	unsigned char hashes[2][DIGEST_SIZE];
	unsigned char seals[ARC_SETS_MOST][DIGEST_SIZE];
};

/*
 * Begins with a chain that has no problem; chain and fields stay until arc_check_fini(), which may
 * be called in any case. now: seconds since 1970.
 */
void arc_check_init(struct arc_check *, const struct arc_chain *, const struct canon_field *fields,
	size_t count, int64_t now);
void arc_check_fini(struct arc_check *);

/* The keys that will be wanted, i counts from 0; false: no more. Some may repeat. */
bool arc_check_key(const struct arc_check *, size_t i, char name[DKIM_NAME_KEY_SIZE]);
/* The body in pieces; lines end in CRLF. */
void arc_check_body(struct arc_check *, const void *, size_t len);
/* After the body, once. */
void arc_check_end(struct arc_check *, const struct arc_keys *, struct arc_result *);

/* The result of a chain that has a problem, or no sets. */
void arc_check_none(const struct arc_chain *, struct arc_result *);

#endif
