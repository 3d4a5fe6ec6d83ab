/* SPDX-License-Identifier: MIT */
/*
 * fuzz_taglist.c - any octets as a list of tags, a signature, a key record, base64
 *
 * Whatever is taken is within the text and clean: names of DNS are names, an identity is printable.
 * What a key record gives is a key of bounded size, or says why not.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/lib/dkim_key.h"
#include "../../plugins/lib/dkim_sig.h"
#include "../../plugins/lib/taglist.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_list(const char *text, size_t len)
{
	struct taglist list;
	const char *why;

	must(taglist_parse(&list, text, len, &why) == (why == NULL));
	must(list.count <= TAGLIST_MOST);
	for (size_t i = 0; why == NULL && i < list.count; i++) {
		const struct taglist_tag *t = &list.tags[i];

		must(t->from > 0 && t->from <= t->to && t->to <= len && text[t->from - 1] == '=');
		must(t->value >= text + t->from && t->value + t->len <= text + t->to);
		must(t->len == 0 ||
			(!taglist_blank(t->value[0]) && !taglist_blank(t->value[t->len - 1])));
		must(memchr(t->value, ';', t->len) == NULL && memchr(t->value, 0, t->len) == NULL);
	}
}

static void
must_be_name(const char *name)
{
	must(strlen(name) < DKIM_SIG_DOMAIN_SIZE);
	for (; *name != '\0'; name++)
		must(islower((unsigned char)*name) || isdigit((unsigned char)*name) ||
			strchr("-_.", *name) != NULL);
}

static void
check_signature(enum dkim_sig_kind kind, const char *text, size_t len)
{
	struct dkim_sig sig;
	const char *why;
	bool good = dkim_sig_read(&sig, kind, text, len, &why);

	must(good == (why == NULL));
	must_be_name(sig.domain);
	must_be_name(sig.selector);
	if (!good)
		return;
	must(sig.domain[0] != '\0' && sig.selector[0] != '\0' && sig.octet_count > 0);
	must(sig.b_from <= sig.b_to && sig.b_to <= len && strlen(sig.first) < sizeof(sig.first));
	must(sig.name_count <= DKIM_SIG_NAMES_MOST);
	for (size_t i = 0; i < sig.name_count; i++)
		must(sig.names[i].len > 0 && sig.names[i].at + sig.names[i].len <= len);
}

static void
check_key(const char *text, size_t len)
{
	const struct dkim_key *key = dkim_key_get(text, len), *again = dkim_key_get(text, len);
	unsigned char octets[2048];

	must(key != NULL && key == again);
	if (key->problem == NULL) {
		must(key->pkey != NULL && !key->revoked && key->sha256);
		must(key->type == DKIM_KEY_ED25519 ||
			(key->bits >= DKIM_KEY_BITS_LEAST && key->bits <= DKIM_KEY_BITS_MOST));
		must(dkim_key_octets(key, octets, sizeof(octets)) > 0);
		must(!dkim_key_verify(key, octets, octets, 64));
	}
	dkim_key_drop(key);
	dkim_key_drop(again);
}

/* What is written is read again. */
static void
check_base64(const char *text, size_t len)
{
	unsigned char *octets = malloc(len + 1);
	size_t size = (len + 2) / 3 * 4 + 1;
	char *out = malloc(size);

	(void)taglist_base64(text, len, octets, len + 1);
	must(taglist_write_base64((const unsigned char *)text, len, out, size));
	must(!taglist_write_base64((const unsigned char *)text, len, out, size - 1));
	must(taglist_write_base64((const unsigned char *)text, len, out, size));
	must(taglist_base64(out, strlen(out), octets, len) == len);
	must(memcmp(octets, text, len) == 0);
	free(out);
	free(octets);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* A copy, for the sanitizer sees what is read behind its end. */
	char *text = malloc(len + (len == 0));

	memcpy(text, data, len);
	check_list(text, len);
	check_signature(DKIM_SIG_DKIM, text, len);
	check_signature(DKIM_SIG_ARC_MESSAGE, text, len);
	check_signature(DKIM_SIG_ARC_SEAL, text, len);
	check_key(text, len);
	if (len > 0)
		check_base64(text, len);
	free(text);
	return 0;
}
