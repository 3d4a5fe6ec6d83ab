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

#define GREYLIST_SECOND	  INT64_C(1000000)
#define GREYLIST_KEY_SIZE 1600u
#define GREYLIST_RECORD	  21u /* octets of a record in the store */

enum greylist_on_error { GREYLIST_SKIP, GREYLIST_TEMPFAIL, GREYLIST_MEMORY };

struct greylist_config {
	int64_t delay_us, window_us, remember_us;
	int64_t prefix_v4, prefix_v6, allow_after;
	int on_store_error; /* enum greylist_on_error */
	bool use_spf, skip_authenticated, skip_trusted;
	const struct cm_networks *skip_for;
	const struct cm_map *skip_clients, *skip_senders, *skip_recipients;
	const struct cm_store *store;
};

enum greylist_outcome {
	GREYLIST_NEW,	  /* seen for the first time, or as if */
	GREYLIST_EARLY,	  /* came back too soon */
	GREYLIST_PASSED,  /* came back in time */
	GREYLIST_KNOWN,	  /* has passed before */
	GREYLIST_ALLOWED, /* where it comes from has passed often enough */
	GREYLIST_OUTCOMES
};

/* Times are seconds since 1970. */
struct greylist_record {
	bool there;
	int64_t first, last;
	uint32_t passes;
};

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

/* greylist_key.c */
/* "203.0.113.0/24" of a client; false for what is no address. */
bool greylist_network(const struct greylist_config *, const char *ip, char *out, size_t size);
/* "greylist/LINK/KIND/part/part": parts of any octets; false when it does not fit. */
bool greylist_key(char out[GREYLIST_KEY_SIZE], const char *link, const char *kind,
	const char *const *parts, size_t count);
/* The part behind that many "/", as it was; false: there is none. */
bool greylist_part(const char *key, unsigned index, char *out, size_t size);

/* greylist_command.c */
#define GREYLIST_COMMANDS 3u
extern const struct cm_command greylist_commands[GREYLIST_COMMANDS];

#endif
