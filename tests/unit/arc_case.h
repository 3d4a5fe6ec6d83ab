/* SPDX-License-Identifier: MIT */
/*
 * arc_case.h - messages that go through several hands, told in words
 *
 * "one seals, the body changes, two seals": sealers are one, two, three and four, each with a key
 * and a domain of that name; who seals says of the chain what we find it to be.
 */
#ifndef TESTS_UNIT_ARC_CASE_H
#define TESTS_UNIT_ARC_CASE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "../../plugins/lib/taglist.h"
#include "../conformance/arc_message.h"
#include "table.h"

#define ARC_NOW 1800000000
#define ARC_MESSAGE_                           \
	"From: Ann <ann@example.org>\n"        \
	"To: list@one.example\n"               \
	"Subject: hello\n"                     \
	"DKIM-Signature: v=1; d=example.org\n" \
	"\n"                                   \
	"Hello\n\nAnn\n"

static const char *const arc_names[] = {"one", "two", "three", "four"};

struct arc_case {
	struct dkim_private signers[4];
	char records[4][1024];
	char absent[4], late[4]; /* of their keys */
	const char *results;	 /* what the next sealer records */
	char *text;
};

static inline void
arc_case_key(struct arc_case *c, int i)
{
	bool rsa = i == 1;
	EVP_PKEY *pkey = rsa ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024)
			     : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	unsigned char der[512], *p = der, text[800];
	size_t len = sizeof(der);

	ck_assert_ptr_nonnull(pkey);
	c->signers[i] =
		(struct dkim_private){.type = rsa ? DKIM_KEY_RSA : DKIM_KEY_ED25519, .pkey = pkey};
	if (rsa)
		len = (size_t)i2d_PUBKEY(pkey, &p);
	else
		ck_assert_int_eq(EVP_PKEY_get_raw_public_key(pkey, der, &len), 1);
	EVP_EncodeBlock(text, der, (int)len);
	snprintf(c->records[i], sizeof(c->records[i]), "v=DKIM1; k=%s; p=%s",
		rsa ? "rsa" : "ed25519", (char *)text);
}

static inline void
arc_case_init(struct arc_case *c)
{
	*c = (struct arc_case){0};
	for (int i = 0; i < 4; i++)
		arc_case_key(c, i);
	c->text = strdup(ARC_MESSAGE_);
}

static inline void
arc_case_fini(struct arc_case *c)
{
	for (int i = 0; i < 4; i++)
		EVP_PKEY_free(c->signers[i].pkey);
	free(c->text);
}

/* Keys as lines of arc_find_key(). */
static inline char *
arc_case_keys(const struct arc_case *c)
{
	char *keys = NULL;
	size_t len;
	FILE *f = open_memstream(&keys, &len);

	for (int i = 0; i < 4; i++) {
		if (!c->absent[i])
			fprintf(f, "s._domainkey.%s.example\t%s\n", arc_names[i],
				c->late[i] ? "" : c->records[i]);
	}
	fclose(f);
	return keys;
}

static inline void
arc_case_check(const struct arc_case *c, const char *text, size_t len, struct arc_result *r)
{
	char *keys = arc_case_keys(c), *copy = malloc(len + 1);
	struct arc_message m;

	memcpy(copy, text, len);
	copy[len] = '\0';
	arc_message_split(&m, copy, len);
	arc_message_check(&m, keys, ARC_NOW, r);
	arc_message_free(&m);
	free(keys);
}

/* --- the words --- */

static inline int
arc_case_who(const char *words)
{
	for (int i = 0; i < 4; i++) {
		if (strncmp(words, arc_names[i], strlen(arc_names[i])) == 0)
			return i;
	}
	ck_abort_msg("nobody is called %s", words);
	return -1;
}

static inline void
arc_case_seal_as(struct arc_case *c, int who, enum arc_status status)
{
	char domain[32], results[512], *fields, *sealed;
	struct arc_message m;
	const struct arc_sealer sealer = {
		&c->signers[who], domain, "s", status, results, ARC_NOW - 100};

	snprintf(domain, sizeof(domain), "%s.example", arc_names[who]);
	snprintf(results, sizeof(results), "mx.%s; %s", domain,
		c->results == NULL ? "none" : c->results);
	arc_message_split(&m, strdup(c->text), strlen(c->text));
	fields = arc_message_seal(&m, &sealer);
	arc_message_free(&m);
	if (fields == NULL)
		return;
	ck_assert_int_gt(asprintf(&sealed, "%s%s", fields, c->text), 0);
	free(fields);
	free(c->text);
	c->text = sealed;
}

static inline void
arc_case_seal(struct arc_case *c, const char *words, const char *rest)
{
	enum arc_status status;
	struct arc_result r;

	arc_case_check(c, c->text, strlen(c->text), &r);
	status = r.status;
	for (int i = ARC_NONE; i <= ARC_FAIL; i++) {
		if (rest[0] != '\0' && strcmp(rest + 1, arc_status_name((enum arc_status)i)) == 0)
			status = (enum arc_status)i;
	}
	arc_case_seal_as(c, arc_case_who(words), status);
}

static inline void
arc_case_replace(struct arc_case *c, const char *old, const char *new)
{
	char *at = strstr(c->text, old), *text;

	ck_assert_msg(at != NULL, "there is no \"%s\" in %s", old, c->text);
	ck_assert_int_gt(
		asprintf(&text, "%.*s%s%s", (int)(at - c->text), c->text, new, at + strlen(old)),
		0);
	free(c->text);
	c->text = text;
}

/* Makes a seal true of what is there now. */
static inline void
arc_case_seal_again(struct arc_case *c, unsigned i, int who)
{
	char old[2 * DKIM_PRIVATE_OCTETS], new[2 * DKIM_PRIVATE_OCTETS];
	unsigned char hashes[ARC_SETS_MOST][DIGEST_SIZE], octets[DKIM_PRIVATE_OCTETS];
	const struct dkim_sig *sig;
	struct arc_chain chain;
	struct arc_message m;
	size_t len;

	arc_message_split(&m, strdup(c->text), strlen(c->text));
	ck_assert(arc_chain_init(&chain, m.fields, m.count));
	ck_assert_str_eq(chain.problem, "");
	ck_assert(arc_seal_hashes(&chain, hashes));
	len = dkim_private_sign(&c->signers[who], hashes[i - 1], octets);
	ck_assert(taglist_write_base64(octets, len, new, sizeof(new)));
	sig = chain.sets[i - 1].seal;
	snprintf(
		old, sizeof(old), "%.*s", (int)(sig->b_to - sig->b_from), sig->value + sig->b_from);
	arc_chain_fini(&chain);
	arc_message_free(&m);
	arc_case_replace(c, old, new);
}

/* One clause of a story. */
static inline void
arc_case_step(struct arc_case *c, char *words)
{
	unsigned instance;
	char *at;

	if (sscanf(words, "seal %u again", &instance) == 1) {
		arc_case_seal_again(c, instance, arc_case_who(strstr(words, " by ") + 4));
	} else if ((at = strstr(words, " seals")) != NULL) {
		arc_case_seal(c, words, strncmp(at, " seals as", 9) == 0 ? at + 9 : "");
	} else if (strcmp(words, "the body changes") == 0) {
		arc_case_replace(c, "\nAnn\n", "\nAnn.\n");
	} else if (strcmp(words, "the body grows") == 0) {
		arc_case_replace(c, "\nAnn\n", "\nAnn\n-- \n");
	} else if (strcmp(words, "the subject changes") == 0) {
		arc_case_replace(c, "Subject: ", "Subject: [list] ");
	} else if (strcmp(words, "a From is added") == 0) {
		arc_case_replace(c, "From:", "From: eve@example.net\nFrom:");
	} else if (strcmp(words, "a Received is added") == 0) {
		arc_case_replace(c, "ARC-", "Received: by a\nARC-");
	} else if (strncmp(words, "change ", 7) == 0 && (at = strstr(words, " to ")) != NULL) {
		*at = '\0';
		arc_case_replace(c, words + 7, at + 4);
	} else if (strncmp(words, "the key of ", 11) == 0) {
		int who = arc_case_who(words + 11);

		c->late[who] = strstr(words, " is late") != NULL;
		c->absent[who] = strstr(words, " is gone") != NULL;
	} else if (strncmp(words, "it records ", 11) == 0) {
		c->results = words + 11;
	} else {
		ck_abort_msg("what is \"%s\"?", words);
	}
}

/* Clauses with ", " between. The story must live until the case ends, for it is cut. */
static inline void
arc_case_tell(struct arc_case *c, char *story)
{
	for (char *next; story != NULL; story = next) {
		next = strstr(story, ", ");
		if (next != NULL) {
			*next = '\0';
			next += 2;
		}
		if (story[0] != '\0')
			arc_case_step(c, story);
	}
}

#endif
