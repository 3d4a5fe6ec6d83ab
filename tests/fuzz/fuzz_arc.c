/* SPDX-License-Identifier: MIT */
/*
 * fuzz_arc.c - header sections that look like ARC, and keys that look like keys
 *
 * The input is a message; behind a line "=" come keys, one a line, which the names that are asked
 * for take in turn. Two checks of it come to the same; what passes has all its sets and all its
 * keys; a seal of ours over it is read again; and what is recorded is a word or a domain.
 */
#include <openssl/evp.h>
#include <stdint.h>

#include "../../plugins/arc/arc_trust.h"
#include "../conformance/arc_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Public, and of nobody: seals of the corpus are made with it. */
static const unsigned char secret[32] = {1, 2, 3, 4};

struct source {
	const char *keys;
	size_t asked;
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static const struct dkim_key *
get(void *context, const char *name, const char **why, bool *later)
{
	struct source *source = context;
	const char *line = source->keys;
	size_t len;

	must(strlen(name) < DKIM_NAME_KEY_SIZE && strstr(name, "._domainkey.") != NULL);
	source->asked++;
	for (size_t i = strlen(name) % 3; i > 0 && strchr(line, '\n') != NULL; i--)
		line = strchr(line, '\n') + 1;
	len = strcspn(line, "\n");
	*why = "none";
	*later = line[0] == '?';
	return len == 0 || *later ? NULL : dkim_key_get(line, len);
}

static void
must_be_plain(const char *text)
{
	for (; *text != '\0'; text++)
		must(*text >= ' ' && *text <= '~');
}

static void
must_be_words(const struct arc_recorded *r)
{
	must(strspn(r->dkim, "abcdefghijklmnopqrstuvwxyz") == strlen(r->dkim));
	must(strspn(r->dmarc, "abcdefghijklmnopqrstuvwxyz") == strlen(r->dmarc));
	must(strspn(r->spf, "abcdefghijklmnopqrstuvwxyz") == strlen(r->spf));
	must(strcmp(r->dmarc_from, ARC_UNREADABLE) == 0 ||
		strspn(r->dmarc_from, "abcdefghijklmnopqrstuvwxyz0123456789-._") ==
			strlen(r->dmarc_from));
}

static bool
everybody(void *context, const char *domain)
{
	(void)context;
	must_be_plain(domain);
	return true;
}

static void
check_recorded(const struct arc_chain *chain)
{
	struct arc_recorded r;

	for (unsigned i = 0; i < ARC_SETS_MOST; i++) {
		const struct canon_field *f = chain->sets[i].fields[ARC_RESULTS];

		if (f == NULL)
			continue;
		arc_recorded_read(&r, f->value);
		must_be_words(&r);
	}
}

static void
check(const struct arc_message *m, const struct arc_chain *chain, const char *keys,
	struct arc_result *r)
{
	struct source source = {.keys = keys};
	const struct arc_keys from = {&source, get};
	struct arc_check *c = malloc(sizeof(*c));
	char name[DKIM_NAME_KEY_SIZE];
	struct arc_trust trust;
	size_t wanted = 0;

	must(c != NULL);
	arc_check_init(c, chain, m->fields, m->count, 1800000000);
	while (arc_check_key(c, wanted, name))
		wanted++;
	must(wanted <= ARC_KEYS_MOST);
	arc_message_body(c, m);
	arc_check_end(c, &from, r);
	arc_check_fini(c);
	must(source.asked <= wanted);
	must(r->status != ARC_NONE && (r->status == ARC_PASS) == (r->reason[0] == '\0'));
	must(r->status == ARC_FAIL || source.asked > chain->newest);
	must(r->oldest_pass <= chain->newest);
	must_be_plain(r->reason);
	arc_trust_find(&trust, chain, r, everybody, NULL);
	must((trust.instance != 0) == (r->status == ARC_PASS));
	free(c);
}

/* What we seal we can read, whatever was there before. */
static void
check_seal(const struct arc_message *m)
{
	struct dkim_private key = {.type = DKIM_KEY_ED25519};
	const struct arc_sealer sealer = {
		&key, "seal.example", "s", ARC_PASS, "mx.example; none", 1800000000};
	struct arc_chain chain;
	struct canon_field *fields;
	struct arc_message own;
	char *text;

	key.pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, sizeof(secret));
	text = arc_message_seal(m, &sealer);
	EVP_PKEY_free(key.pkey);
	if (text == NULL)
		return;
	arc_message_split(&own, text, strlen(text));
	must(own.count == ARC_KINDS);
	fields = calloc(m->count + ARC_KINDS, sizeof(*fields));
	must(fields != NULL);
	memcpy(fields, own.fields, ARC_KINDS * sizeof(*fields));
	if (m->count > 0)
		memcpy(fields + ARC_KINDS, m->fields, m->count * sizeof(*fields));
	must(arc_chain_init(&chain, fields, m->count + ARC_KINDS));
	must(chain.newest > 0 && chain.field_count >= ARC_KINDS);
	arc_chain_fini(&chain);
	free(fields);
	arc_message_free(&own);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), *keys;
	struct arc_result first, second;
	struct arc_message m;
	struct arc_chain chain;

	must(text != NULL);
	memcpy(text, data, len);
	text[len] = '\0';
	keys = strstr(text, "\n=\n");
	if (keys != NULL) {
		len = (size_t)(keys - text) + 1;
		keys += 3;
	}
	keys = strdup(keys == NULL ? "" : keys);
	text[len] = '\0';
	arc_message_split(&m, text, len);
	must(arc_chain_init(&chain, m.fields, m.count));
	must_be_plain(chain.problem);
	check_recorded(&chain);
	if (chain.problem[0] == '\0' && chain.newest > 0) {
		check(&m, &chain, keys, &first);
		check(&m, &chain, keys, &second);
		must(first.status == second.status && first.instance == second.instance &&
			first.oldest_pass == second.oldest_pass && first.later == second.later &&
			strcmp(first.reason, second.reason) == 0);
	}
	arc_chain_fini(&chain);
	check_seal(&m);
	arc_message_free(&m);
	free(keys);
	return 0;
}
