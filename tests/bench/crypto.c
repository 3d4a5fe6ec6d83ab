/* SPDX-License-Identifier: MIT */
/*
 * crypto.c - what no filter that verifies signatures can do without, with nothing around it
 *
 * crypto CORPUS SECONDS: for each message of the corpus, as its index has them, SHA-256 of its
 * octets and one verification of an RSA signature of 2,048 bits. Prints the processor time of one.
 */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_MOST     4096
#define MESSAGES_MOST 100000
#define SIGNATURE     256

struct message {
	unsigned char *octets;
	size_t len;
};

static struct message messages[MESSAGES_MOST];
static size_t count;

static int
fail(const char *what)
{
	fprintf(stderr, "crypto: %s\n", what);
	return EXIT_FAILURE;
}

static bool
read_message(struct message *m, const char *dir, const char *name)
{
	char path[2 * LINE_MOST];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *in = fopen(path, "rb");
	if (in == NULL || fseek(in, 0, SEEK_END) != 0)
		return false;
	m->len = (size_t)ftell(in);
	m->octets = malloc(m->len + 1);
	rewind(in);
	bool whole = m->octets != NULL && fread(m->octets, 1, m->len, in) == m->len;
	fclose(in);
	return whole;
}

/* The last column of a line names the file. */
static bool
read_corpus(const char *dir)
{
	char line[LINE_MOST];

	snprintf(line, sizeof(line), "%s/index", dir);
	FILE *in = fopen(line, "r");
	if (in == NULL)
		return false;
	while (count < MESSAGES_MOST && fgets(line, sizeof(line), in) != NULL) {
		const char *tab = strrchr(line, '\t');

		line[strcspn(line, "\n")] = '\0';
		if (tab == NULL || !read_message(&messages[count++], dir, tab + 1))
			count = MESSAGES_MOST + 1;
	}
	fclose(in);
	return count > 0 && count <= MESSAGES_MOST;
}

static double
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool
verify(EVP_PKEY_CTX *ctx, const unsigned char *signature, const unsigned char *digest)
{
	return EVP_PKEY_verify(ctx, signature, SIGNATURE, digest, 32) == 1;
}

static EVP_PKEY_CTX *
context(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	if (ctx == NULL || init(ctx) != 1 ||
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
		EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1)
		return NULL;
	return ctx;
}

int
main(int argc, char **argv)
{
	unsigned char digest[32] = {1}, signed_digest[32] = {1}, signature[SIGNATURE];
	double seconds = argc == 3 ? strtod(argv[2], NULL) : 0, began, took = 0;
	size_t len = sizeof(signature), done = 0;

	if (seconds <= 0 || seconds > 60)
		return fail("usage: crypto CORPUS SECONDS");
	if (!read_corpus(argv[1]))
		return fail("the corpus cannot be read");
	EVP_PKEY *key = EVP_RSA_gen(2048);
	EVP_PKEY_CTX *sign = context(key, EVP_PKEY_sign_init);
	EVP_PKEY_CTX *check = context(key, EVP_PKEY_verify_init);
	if (sign == NULL || check == NULL ||
		EVP_PKEY_sign(sign, signature, &len, signed_digest, 32) != 1)
		return fail("no key");
	began = cpu_us();
	while (took < seconds * 1e6) {
		for (size_t i = 0; i < count; i++) {
			if (EVP_Digest(messages[i].octets, messages[i].len, digest, NULL,
				    EVP_sha256(), NULL) != 1 ||
				!verify(check, signature, signed_digest))
				return fail("a verification failed");
		}
		done += count;
		took = cpu_us() - began;
	}
	printf("{\"messages\": %zu, \"cpu_us_per_message\": %.2f}\n", done, took / (double)done);
	return EXIT_SUCCESS;
}
