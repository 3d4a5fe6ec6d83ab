/* SPDX-License-Identifier: MIT */
/*
 * fuzz_dkim.c - any message: both engines come to the same, and pieces do not matter
 *
 * The first octet of the input chooses how the rest is signed, or that it is not: then what it has
 * for signatures counts. A message that was signed passes. In what libopendkim does not take as it
 * came, an octet is another one: white space that is none, a tab
 * in the blanks before a colon, CR and LF alone, and NUL.
 */
#include <stdint.h>

#include "../unit/dkim_sign.h"

#define NOW INT64_C(1790000000)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const kinds[] = {"c=simple/simple", "c=simple/relaxed", "c=relaxed/simple",
	"c=relaxed/relaxed", "c=relaxed/relaxed; l=5", "c=relaxed/simple; l=20",
	"c=simple; t=1700000000; i=@a.v.test"};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static EVP_PKEY *key;
static char record[128];

/* RFC 8032 section 7.1, the first test: the same key in each run. */
static void
make_key(void)
{
	static const unsigned char seed[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba,
		0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69,
		0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
	char p[64];

	if (key != NULL)
		return;
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	dkim_sign_must(key != NULL);
	dkim_sign_public(key, false, p);
	snprintf(record, sizeof(record), "k=ed25519; p=%s", p);
}

/* Lines end in CRLF, and CR and LF are nowhere else. */
static char *
tidy(const uint8_t *data, size_t len, size_t *out_len)
{
	char *out = malloc(2 * len + 1), *p = out;

	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n')
			*p++ = '\r';
		for (char *at = p; data[i] == ':' && at > out && (at[-1] == '\t' || at[-1] == ' ');
			at--)
			at[-1] = at[-1] == '\t' ? 'x' : ' ';
		*p++ = data[i] == '\r' || data[i] == '\v' || data[i] == '\f' || data[i] == '\0'
			       ? 'x'
			       : (char)data[i];
	}
	*p = '\0';
	/* Else it would continue the signature. */
	if (out[0] == ' ' || out[0] == '\t')
		out[0] = 'x';
	*out_len = (size_t)(p - out);
	return out;
}

static char *
compose(const uint8_t *data, size_t len, bool *signed_here, size_t *out_len)
{
	size_t kind = len == 0 ? KINDS : data[0] % (KINDS + 1);
	char *text = tidy(data + (len > 0), len > 0 ? len - 1 : 0, out_len), *out, tags[256];

	*signed_here = kind < KINDS;
	if (!*signed_here)
		return text;
	snprintf(tags, sizeof(tags),
		"v=1; a=ed25519-sha256; d=v.test; s=k; h=From:From:To:Subject:X; %s", kinds[kind]);
	out = dkim_sign(tags, key, text, out_len);
	free(text);
	return out;
}

static void
verify(struct dkim_case *c, const char *text, size_t len, const struct dkim_engine *e, size_t piece)
{
	const struct dkim_case_key keys[] = {{"k._domainkey.v.test", record}};

	dkim_case_init(c, text, len, true);
	dkim_case_verify(c, e, "v.test", NOW, piece, keys, 1, &dkim_case_strict);
	dkim_case_fini(c);
}

static bool
refused(const struct dkim_signature *s)
{
	return strncmp(s->reason, "libopendkim ", 12) == 0;
}

/* The first signature of a message that was signed here: the only one with that selector above. */
static void
must_pass(const struct dkim_case *c)
{
	for (size_t i = 0; i < c->found.count; i++) {
		const struct dkim_signature *s = &c->all[i];

		if (s->job.field != 0)
			continue;
		dkim_sign_must(s->code == DKIM_PASS || s->code == DKIM_POLICY ||
			       (s->code == DKIM_PERMERROR &&
				       strcmp(s->reason, "l= is larger than the body") == 0));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct dkim_case native, pieces, library;
	bool signed_here;
	size_t out_len;
	char *text;

	make_key();
	text = compose(data, len, &signed_here, &out_len);
	verify(&native, text, out_len, &dkim_native, 65535);
	verify(&pieces, text, out_len, &dkim_native, len % 7 + 1);
	verify(&library, text, out_len, &dkim_opendkim, len % 100 + 1);
	dkim_sign_must(native.found.count == library.found.count);
	for (size_t i = 0; i < native.found.count; i++) {
		dkim_sign_must(native.all[i].code == pieces.all[i].code &&
			       strcmp(native.all[i].reason, pieces.all[i].reason) == 0);
		dkim_sign_must(
			refused(&library.all[i]) || native.all[i].code == library.all[i].code);
	}
	if (signed_here)
		must_pass(&native);
	free(text);
	return 0;
}
