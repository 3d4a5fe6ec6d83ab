/* SPDX-License-Identifier: MIT */
/*
 * dkim.c - what verifying a signature costs, beside OpenSSL doing no more than it must
 *
 * usage: bench_dkim [ROUNDS]. Messages of several sizes, signed with RSA of 2,048 bits or Ed25519,
 * body in chunks of 65,535 octets, keys known. In turns: SHA-256 of header and body as they are and
 * one verification with a parsed key; our engine, from the fields to the result; libopendkim. The
 * least time of all rounds counts.
 */
#include <time.h>

#include "../unit/dkim_sign.h"

#define CHUNK 65535u
#define TAGS                                            \
	"v=1; a=%s; d=example.org; s=k; t=1700000000; " \
	"h=From:From:To:Subject:Date:Message-ID:MIME-Version:Content-Type; c=%s"

/* Seconds of each measurement, about. */
#define EACH 0.02

static const char header[] = "Received: from mail.example.org (mail.example.org [203.0.113.7])\r\n"
			     "\tby mx.example.com (Postfix) with ESMTPS id 4XZ9Yt0kqzQ\r\n"
			     "\tfor <bob@example.com>; Thu, 26 Nov 2026 10:00:00 +0000 (UTC)\r\n"
			     "From: Ann Example <ann@example.org>\r\n"
			     "To: Bob Example <bob@example.com>\r\n"
			     "Subject: Minutes of the meeting, and what we should do next\r\n"
			     "Date: Thu, 26 Nov 2026 10:00:00 +0000\r\n"
			     "Message-ID: <20261126100000.4XZ9Yt0kqzQ@mail.example.org>\r\n"
			     "MIME-Version: 1.0\r\n"
			     "Content-Type: text/plain; charset=utf-8\r\n"
			     "Content-Transfer-Encoding: 8bit\r\n"
			     "X-Mailer: Example 1.0\r\n"
			     "\r\n";

struct scene {
	const char *what, *canon;
	size_t size;
	bool rsa, base64;
};

static const struct scene scenes[] = {
	{"2 KB", "relaxed/relaxed", 2000, true, false},
	{"20 KB", "relaxed/relaxed", 20000, true, false},
	{"200 KB", "relaxed/relaxed", 200000, true, false},
	{"2 MB", "relaxed/relaxed", 2000000, true, false},
	{"2 MB of base64", "relaxed/relaxed", 2000000, true, true},
	{"2 KB, simple", "simple/simple", 2000, true, false},
	{"2 MB, simple", "simple/simple", 2000000, true, false},
	{"2 KB, Ed25519", "relaxed/relaxed", 2000, false, false},
};

struct job {
	struct dkim_case c;
	EVP_PKEY *key;
	char record[4200];
	unsigned char octets[DKIM_SIG_OCTETS_MOST];
	size_t octet_count;
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Lines of words, a paragraph every seven; or of base64. */
static void
fill(char *out, size_t size, bool base64)
{
	unsigned seed = 1;
	size_t width = base64 ? 76 : 70, line = 0, count = 0;

	for (size_t i = 0; i < size; i++) {
		if (line >= width || size - i <= 2) {
			out[i] = line == width || size - i == 2 ? '\r' : '\n';
			line = out[i] == '\n' ? 0 : line + 1;
			if (line == 0 && !base64 && ++count % 7 == 0 && size - i > 4) {
				out[++i] = '\r';
				out[++i] = '\n';
			}
			continue;
		}
		out[i] = (char)('a' + rand_r(&seed) % 26);
		if (!base64 && line > 0 && line + 1 < width && out[i - 1] != ' ' && out[i] < 'f')
			out[i] = ' ';
		line++;
	}
}

static void
prepare(struct job *j, const struct scene *s)
{
	size_t hlen = strlen(header), len = s->size;
	char *text = malloc(s->size + 1), *out, tags[256], p[4096];

	memcpy(text, header, hlen);
	fill(text + hlen, s->size - hlen, s->base64);
	text[s->size] = '\0';
	j->key = dkim_sign_new_key(s->rsa ? 2048 : 0);
	dkim_sign_public(j->key, false, p);
	snprintf(
		j->record, sizeof(j->record), "v=DKIM1; k=%s; p=%s", s->rsa ? "rsa" : "ed25519", p);
	snprintf(tags, sizeof(tags), TAGS, s->rsa ? "rsa-sha256" : "ed25519-sha256", s->canon);
	out = dkim_sign(tags, j->key, text, &len);
	dkim_case_init(&j->c, out, len, true);
	free(text);
	free(out);
}

/* --- the ways -----------------------------------------------------------------------------------
 */

static void
run_engine(struct job *j, const struct dkim_engine *e)
{
	const struct dkim_case_key key = {"k._domainkey.example.org", j->record};

	dkim_case_verify(
		&j->c, e, "example.org", INT64_C(1790000000), CHUNK, &key, 1, &dkim_case_strict);
	dkim_sign_must(j->c.all[0].code == DKIM_PASS);
}

static void
run_native(struct job *j)
{
	run_engine(j, &dkim_native);
}

static void
run_opendkim(struct job *j)
{
	run_engine(j, &dkim_opendkim);
}

static void
hash_header(const struct job *j, unsigned char *hash)
{
	dkim_sign_must(EVP_Digest(j->c.text, (size_t)(j->c.body - j->c.text), hash, NULL,
			       EVP_sha256(), NULL) == 1);
}

/* A signature of the header as it is, made once. */
static void
run_raw(struct job *j)
{
	unsigned char hash[DIGEST_SIZE], body_hash[DIGEST_SIZE];
	const struct dkim_key *key = dkim_key_get(j->record, strlen(j->record));

	dkim_sign_must(
		EVP_Digest(j->c.body, j->c.body_len, body_hash, NULL, EVP_sha256(), NULL) == 1);
	hash_header(j, hash);
	if (j->octet_count == 0)
		j->octet_count = dkim_sign_hash(j->key, hash, j->octets, sizeof(j->octets));
	dkim_sign_must(dkim_key_verify(key, hash, j->octets, j->octet_count));
	dkim_key_drop(key);
}

static void (*const ways[])(struct job *) = {run_raw, run_native, run_opendkim};

#define WAYS (sizeof(ways) / sizeof(*ways))

/* --- figures ------------------------------------------------------------------------------------
 */

static double
measure(struct job *j, void (*way)(struct job *))
{
	double from = now(), to;
	unsigned times = 0;

	do {
		way(j);
		times++;
		to = now();
	} while (to - from < EACH);
	return (to - from) * 1e6 / times;
}

static void
run_scene(const struct scene *s, int rounds)
{
	struct job *j = calloc(1, sizeof(*j));
	double best[WAYS] = {0};

	dkim_sign_must(j != NULL);
	prepare(j, s);
	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < WAYS; i++) {
			double us = measure(j, ways[i]);

			best[i] = best[i] == 0 || us < best[i] ? us : best[i];
		}
	}
	printf("| %s | %.1f | %.1f | **%.2f** | %.1f | %.2f |\n", s->what, best[0], best[1],
		best[1] / best[0], best[2], best[2] / best[0]);
	fflush(stdout);
	dkim_case_fini(&j->c);
	EVP_PKEY_free(j->key);
	free(j);
}

int
main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 9;

	if (rounds < 1) {
		fprintf(stderr, "usage: bench_dkim [ROUNDS]\n");
		return 2;
	}
	printf("| us of one verification, key known | OpenSSL alone | native | ratio | opendkim | "
	       "ratio "
	       "|\n| --- | --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
		run_scene(&scenes[i], rounds);
	return 0;
}
