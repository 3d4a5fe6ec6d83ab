/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign.c - what a DKIM signature costs, beside OpenSSL alone
 *
 * usage: bench_dkim_sign [ROUNDS]. OpenSSL alone is SHA-256 of the same octets and one signature
 * with a key that was read before. Ours canonicalizes, hashes, makes the field and signs. Both in
 * turns; the figure is the least of all rounds, in microseconds of CPU time:
 * whatever disturbs makes it longer.
 */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../plugins/dkim/dkim_sign_field.h"

/* Octets that a milter gets at once. */
#define CHUNK 65535u
/* What a round takes, at least. */
#define ROUND_US 2000.0

static const struct {
	const char *name, *value;
} fields[] = {
	{"Received", "from mail.example.org (mail.example.org [203.0.113.7])\n\tby mx1.example.com "
		     "(Postfix) with ESMTPS id 4XZ9Yt0kqzQ\n\tfor <bob@example.com>; Thu, 26 Nov "
		     "2026 10:00:00 +0000 (UTC)"},
	{"From", "Ann Example <ann@example.org>"},
	{"To", "Bob Example <bob@example.com>"},
	{"Cc", "Carol Example <carol@example.com>,\n\tDave Example <dave@example.com>"},
	{"Subject", "What a signature costs, and what it is compared with"},
	{"Date", "Thu, 26 Nov 2026 10:00:00 +0000"},
	{"Message-ID", "<20261126100000.4711@mail.example.org>"},
	{"In-Reply-To", "<20261125100000.4710@mail.example.org>"},
	{"References", "<20261124100000.4709@mail.example.org>\n\t<20261125100000.4710@mail."
		       "example.org>"},
	{"MIME-Version", "1.0"},
	{"Content-Type", "text/plain; charset=utf-8"},
	{"Content-Transfer-Encoding", "8bit"},
	{"User-Agent", "Example 1.0"},
};

#define FIELDS (sizeof(fields) / sizeof(*fields))

static const char *const oversign[] = {"From", "Subject", "Date"};

static const struct scene {
	enum dkim_key_type type;
	enum canon body;
	size_t size;
	double most; /* times OpenSSL */
} scenes[] = {
	{DKIM_KEY_RSA, CANON_RELAXED, 2u << 10, 1.8},
	{DKIM_KEY_RSA, CANON_RELAXED, 20u << 10, 1.8},
	{DKIM_KEY_RSA, CANON_RELAXED, 200u << 10, 1.5},
	{DKIM_KEY_RSA, CANON_RELAXED, 2u << 20, 1.5},
	{DKIM_KEY_RSA, CANON_SIMPLE, 2u << 10, 1.8},
	{DKIM_KEY_RSA, CANON_SIMPLE, 200u << 10, 1.5},
	{DKIM_KEY_RSA, CANON_SIMPLE, 2u << 20, 1.5},
	{DKIM_KEY_ED25519, CANON_RELAXED, 2u << 10, 1.8},
	{DKIM_KEY_ED25519, CANON_RELAXED, 20u << 10, 1.8},
	{DKIM_KEY_ED25519, CANON_RELAXED, 200u << 10, 1.5},
	{DKIM_KEY_ED25519, CANON_RELAXED, 2u << 20, 1.5},
	{DKIM_KEY_ED25519, CANON_SIMPLE, 2u << 10, 1.8},
};

struct bench {
	const struct scene *scene;
	const struct dkim_private *key;
	char *body;
	size_t body_len, head_len;
};

static void
must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "bench_dkim_sign: %s\n", what);
	exit(1);
}

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Lines of prose, of some 70 octets, with a run of blanks here and there and empty lines. */
static void
write_body(struct bench *b)
{
	static const char *const lines[] = {
		"Almost all of a body stays as it is, so what matters is what is between.\r\n",
		"This line has  two blanks, and the next one begins behind an empty line.\r\n",
		"\r\n",
		"The quick brown fox jumps over the lazy dog, and then it does so again.\r\n",
	};

	b->body = malloc(b->scene->size + 128);
	must(b->body != NULL, "no memory");
	b->body_len = 0;
	for (size_t i = 0; b->body_len < b->scene->size; i++) {
		size_t len = strlen(lines[i % 4]);

		memcpy(b->body + b->body_len, lines[i % 4], len);
		b->body_len += len;
	}
	b->head_len = 0;
	for (size_t i = 1; i < FIELDS - 1; i++)
		b->head_len += strlen(fields[i].name) + strlen(fields[i].value) + 4;
	/* The field itself. */
	b->head_len += 400;
}

/* --- OpenSSL alone -------------------------------------------------------------------------------
 */

static void
hash_raw(const EVP_MD *md, const void *data, size_t len, unsigned char *out)
{
	must(EVP_Digest(data, len, out, NULL, md, NULL) == 1, "OpenSSL cannot hash");
}

static void
raw(const struct bench *b)
{
	static EVP_MD *md;
	unsigned char hash[DIGEST_SIZE], out[DKIM_PRIVATE_OCTETS];
	static char head[4096];
	size_t len = sizeof(out);

	if (md == NULL)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	hash_raw(md, b->body, b->body_len, hash);
	hash_raw(md, head, b->head_len, hash);
	if (b->key->type == DKIM_KEY_ED25519) {
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();

		must(EVP_DigestSignInit(ctx, NULL, NULL, NULL, b->key->pkey) == 1 &&
				EVP_DigestSign(ctx, out, &len, hash, sizeof(hash)) == 1,
			"OpenSSL cannot sign");
		EVP_MD_CTX_free(ctx);
		return;
	}
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(b->key->pkey, NULL);

	must(EVP_PKEY_sign_init(ctx) == 1 &&
			EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
			EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
			EVP_PKEY_sign(ctx, out, &len, hash, sizeof(hash)) == 1,
		"OpenSSL cannot sign");
	EVP_PKEY_CTX_free(ctx);
}

/* --- ours ----------------------------------------------------------------------------------------
 */

static void
ours(const struct bench *b)
{
	const struct dkim_sign_style style = {CANON_RELAXED, b->scene->body, oversign, 3, 0};
	struct dkim_sign_message m = {.style = &style, .now = 1800000000};
	struct canon_field items[FIELDS];
	char value[DKIM_SIGN_VALUE_SIZE];
	struct dkim_fields all;
	struct canon_body body;

	must(canon_body_init(&body, style.body, CANON_ALL), "no memory");
	for (size_t at = 0; at < b->body_len; at += CHUNK)
		canon_body_put(
			&body, b->body + at, b->body_len - at < CHUNK ? b->body_len - at : CHUNK);
	must(canon_body_end(&body, m.body_hash), "the body cannot be hashed");
	canon_body_fini(&body);
	for (size_t i = 0; i < FIELDS; i++)
		items[i] = (struct canon_field){fields[i].name, fields[i].value,
			strlen(fields[i].name), strlen(fields[i].value)};
	must(dkim_fields_init(&all, items, FIELDS), "no memory");
	m.fields = &all;
	must(dkim_sign_field(&m, "example.org", "s2026", b->key, value) == DKIM_SIGN_GOOD,
		"the message cannot be signed");
	dkim_fields_fini(&all);
}

/* --- measuring
 * ------------------------------------------------------------------------------------
 */

/* Microseconds of one call, of so many. */
static double
measure(void (*call)(const struct bench *), const struct bench *b, unsigned calls)
{
	double began = now_us();

	for (unsigned i = 0; i < calls; i++)
		call(b);
	return (now_us() - began) / calls;
}

/* False: it costs more than it may. */
static bool
run(struct bench *b, unsigned rounds)
{
	double best[2] = {1e12, 1e12};
	unsigned calls = 1;

	raw(b);
	while (measure(raw, b, calls) * calls < ROUND_US && calls < 100000)
		calls *= 2;
	for (unsigned i = 0; i < rounds; i++) {
		double times[2] = {measure(raw, b, calls), measure(ours, b, calls)};

		for (int k = 0; k < 2; k++)
			best[k] = times[k] < best[k] ? times[k] : best[k];
	}
	printf("%-8s %-8s %8zu %10.1f %10.1f %8.2f  at most %.1f%s\n",
		b->key->type == DKIM_KEY_RSA ? "rsa2048" : "ed25519",
		b->scene->body == CANON_RELAXED ? "relaxed" : "simple", b->scene->size, best[0],
		best[1], best[1] / best[0], b->scene->most,
		best[1] > b->scene->most * best[0] ? "  TOO MUCH" : "");
	return best[1] <= b->scene->most * best[0];
}

int
main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 200;
	struct dkim_private *keys[] = {[DKIM_KEY_RSA] = dkim_private_new(DKIM_KEY_RSA, 2048),
		[DKIM_KEY_ED25519] = dkim_private_new(DKIM_KEY_ED25519, 0)};
	bool good = true;

	must(rounds > 0, "usage: bench_dkim_sign [ROUNDS]");
	must(keys[0] != NULL && keys[1] != NULL, "OpenSSL cannot make keys");
	printf("%-8s %-8s %8s %10s %10s %8s\n", "key", "body", "octets", "openssl us", "ours us",
		"ratio");
	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
		struct bench b = {.scene = &scenes[i], .key = keys[scenes[i].type]};

		write_body(&b);
		good = run(&b, rounds) && good;
		free(b.body);
	}
	dkim_private_free(keys[0]);
	dkim_private_free(keys[1]);
	return good ? 0 : 1;
}
