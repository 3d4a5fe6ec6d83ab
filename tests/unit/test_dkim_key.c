/* SPDX-License-Identifier: MIT */
/*
 * test_dkim_key.c - key records, and those that were read before
 */
#include <pthread.h>

#include "dkim_sign.h"
#include "table.h"

/* The key of RFC 8463 appendix A.2. */
#define P                                                                                      \
	"p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdO"  \
	"Kb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5Q" \
	"jvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
/* RSA of 512 bits. */
#define P512                                                                                 \
	"p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKu/IYvMsy9M/HKCaMeuhQPi9UxefTrggNfHV0kdM7xYkfFs" \
	"Irgk+1ZJgZmpH6eR02QGwoKJnJ9sjWsuYBKLNG0CAwEAAQ=="
#define EDP "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const struct {
	const char *what, *text, *problem; /* NULL: it can be used */
} records[] = {
	{"the usual record", "v=DKIM1; k=rsa; " P, NULL},
	{"p= alone", P, NULL},
	{"tags of old standards", "v=DKIM1; g=*; k=rsa; " P, NULL},
	{"Ed25519", "v=DKIM1; k=ed25519; " EDP, NULL},
	{"a list of hashes", "h=sha1:sha256; " P, NULL},
	{"every service", "s=*; " P, NULL},
	{"mail among services", "s=tlsrpt:email; " P, NULL},
	{"v= that is not first", P "; v=DKIM1", "v= of the key is not its first tag"},
	{"another version", "v=DKIM2; " P, "v= of the key is not DKIM1"},
	{"a version in small letters", "v=dkim1; " P, "v= of the key is not DKIM1"},
	{"a colon for a semicolon", "v=DKIM1: k=rsa; " P, "v= of the key is not DKIM1"},
	{"an unknown type", "k=ed25519-sha256; " P, "a key of an unknown type (k=)"},
	{"SHA-1 alone", "h=sha1; " P, "the key does not allow SHA-256 (h=)"},
	{"another service", "s=tlsrpt; " P, "the key is not for mail (s=)"},
	{"no p=", "v=DKIM1; k=rsa", "the key has no p="},
	{"revoked", "v=DKIM1; p= ", "the key is revoked (p= is empty)"},
	{"no base64", "p=*", "p= of the key is not base64, or too long"},
	{"no key", "p=AAAA", "p= of the key is no RSA key"},
	{"an Ed25519 key as RSA", "k=rsa; " EDP, "p= of the key is no RSA key"},
	{"an RSA key as Ed25519", "k=ed25519; " P, "p= of the key is no Ed25519 key"},
	{"512 bits", P512, "an RSA key of less than 1024 bits"},
	{"no list of tags", "hello", "the key is not a list of tags"},
	{"nothing", "", "the key is not a list of tags"},
	{"a tag twice", P "; p=", "the key is not a list of tags"},
};

START_TEST(which_records_are_keys)
{
	const char *text = records[_i].text, *problem = records[_i].problem;
	const struct dkim_key *key = dkim_key_get(text, strlen(text));

	ck_assert_ptr_nonnull(key);
	if (problem == NULL)
		ck_assert_msg(key->problem == NULL, "%s: %s", records[_i].what, key->problem);
	else
		ck_assert_msg(key->problem != NULL && strcmp(key->problem, problem) == 0, "%s: %s",
			records[_i].what, key->problem);
	dkim_key_drop(key);
}
END_TEST

START_TEST(what_a_record_says)
{
	static const char text[] = "v=DKIM1; t=y : s; " P;
	const struct dkim_key *key = dkim_key_get(text, strlen(text));

	ck_assert(key->testing && key->strict && key->sha256 && !key->revoked);
	ck_assert(key->type == DKIM_KEY_RSA && key->bits == 1024);
	dkim_key_drop(key);
	key = dkim_key_get(EDP "; k=ed25519", strlen(EDP "; k=ed25519"));
	ck_assert(!key->testing && !key->strict);
	ck_assert(key->type == DKIM_KEY_ED25519 && key->bits == 256);
	dkim_key_drop(key);
}
END_TEST

/* --- sizes --------------------------------------------------------------------------------------
 */

static const struct {
	unsigned bits, exponent_bits;
	bool bare, good;
} sizes[] = {
	{1024, 17, false, true},
	{1024, 17, true, true},
	{2048, 17, true, true},
	{4096, 17, false, true},
	{2048, 64, false, true},
	{2048, 66, false, false}, /* each use would cost more than it is worth */
	{1016, 17, false, false},
};

static EVP_PKEY *
new_key(unsigned bits, unsigned exponent_bits)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
	EVP_PKEY *key = NULL;
	BIGNUM *e = BN_new();

	BN_set_word(e, 0);
	BN_set_bit(e, (int)exponent_bits - 1);
	BN_set_bit(e, 0);
	ck_assert_int_eq(EVP_PKEY_keygen_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), 1);
	ck_assert_int_eq(EVP_PKEY_generate(ctx, &key), 1);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

START_TEST(keys_of_all_sizes)
{
	static const unsigned char hash[DIGEST_SIZE] = "thirty-two octets, as it happens";
	EVP_PKEY *pair = new_key(sizes[_i].bits, sizes[_i].exponent_bits);
	unsigned char octets[DKIM_SIG_OCTETS_MOST];
	size_t len = dkim_sign_hash(pair, hash, octets, sizeof(octets));
	const struct dkim_key *key;
	char p[4096], text[4200];

	dkim_sign_public(pair, sizes[_i].bare, p);
	snprintf(text, sizeof(text), "p=%s", p);
	key = dkim_key_get(text, strlen(text));
	ck_assert_int_eq(key->problem == NULL, sizes[_i].good);
	ck_assert_int_eq(dkim_key_verify(key, hash, octets, len), sizes[_i].good);
	ck_assert_uint_eq(key->bits, sizes[_i].bits);
	octets[len / 2] ^= 1;
	ck_assert(!dkim_key_verify(key, hash, octets, len));
	ck_assert(!dkim_key_verify(key, hash, octets, len - 1));
	octets[len / 2] ^= 1;
	/* What failed before leaves nothing behind. */
	ck_assert_int_eq(dkim_key_verify(key, hash, octets, len), sizes[_i].good);
	dkim_key_drop(key);
	EVP_PKEY_free(pair);
}
END_TEST

/* --- the cache ----------------------------------------------------------------------------------
 */

static const struct dkim_key *
get_numbered(unsigned n)
{
	char text[96];

	snprintf(text, sizeof(text), "k=ed25519; " EDP "; n=%u", n);
	return dkim_key_get(text, strlen(text));
}

START_TEST(a_record_is_read_once)
{
	const struct dkim_key *first = get_numbered(1), *other = get_numbered(2);

	ck_assert_ptr_ne(first, other);
	ck_assert_ptr_eq(get_numbered(1), first);
	dkim_key_drop(first);
	dkim_key_drop(first);
	ck_assert_ptr_eq(get_numbered(1), first);
	dkim_key_drop(first);
	dkim_key_drop(other);
}
END_TEST

/* What nobody asks for any more makes room; who still has it keeps it. */
START_TEST(the_oldest_makes_room)
{
	const struct dkim_key *held = get_numbered(0), *used = get_numbered(1);

	dkim_key_drop(used);
	for (unsigned i = 2; i < 1500; i++) {
		dkim_key_drop(get_numbered(i));
		ck_assert_ptr_eq(get_numbered(1), used);
		dkim_key_drop(used);
	}
	ck_assert_ptr_null(held->problem);
	ck_assert_ptr_ne(get_numbered(0), held);
	dkim_key_drop(held);
	dkim_key_drop(get_numbered(0));
}
END_TEST

static void *
get_many(void *seed)
{
	unsigned state = (unsigned)(size_t)seed;

	for (int i = 0; i < 5000; i++) {
		const struct dkim_key *key = get_numbered((unsigned)rand_r(&state) % 1100);

		if (key == NULL || key->problem != NULL)
			return seed;
		dkim_key_drop(key);
	}
	return NULL;
}

/* Each thread is given a number, and gives back NULL when all went well. */
static void
run_threads(void *(*work)(void *))
{
	pthread_t threads[4];
	void *failed;

	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
		ck_assert_ptr_null(failed);
	}
}

START_TEST(threads_share_keys)
{
	run_threads(get_many);
}
END_TEST

/* A key that all threads verify with, and what it verifies. */
static struct {
	const struct dkim_key *key;
	unsigned char octets[DKIM_SIG_OCTETS_MOST];
	size_t len;
} shared;

static const unsigned char shared_hash[DIGEST_SIZE] = "thirty-two octets, as it happens";

static void *
verify_many(void *number)
{
	unsigned char wrong[DIGEST_SIZE] = {(unsigned char)(size_t)number};

	for (int i = 0; i < 200; i++) {
		if (dkim_key_verify(shared.key, wrong, shared.octets, shared.len) ||
			!dkim_key_verify(shared.key, shared_hash, shared.octets, shared.len))
			return number;
	}
	return NULL;
}

START_TEST(threads_verify_with_one_key)
{
	EVP_PKEY *pair = new_key(1024, 17);
	char p[4096], text[4200];

	dkim_sign_public(pair, false, p);
	snprintf(text, sizeof(text), "p=%s", p);
	shared.len = dkim_sign_hash(pair, shared_hash, shared.octets, sizeof(shared.octets));
	shared.key = dkim_key_get(text, strlen(text));
	run_threads(verify_many);
	dkim_key_drop(shared.key);
	EVP_PKEY_free(pair);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dkim_key");
	TCase *tc = tcase_create("dkim_key");

	/* Keys are found by chance: 4,096 bits may take seconds on a busy machine. */
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, which_records_are_keys, 0, LENGTH(records));
	tcase_add_test(tc, what_a_record_says);
	tcase_add_loop_test(tc, keys_of_all_sizes, 0, LENGTH(sizes));
	tcase_add_test(tc, a_record_is_read_once);
	tcase_add_test(tc, the_oldest_makes_room);
	tcase_add_test(tc, threads_share_keys);
	tcase_add_test(tc, threads_verify_with_one_key);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
