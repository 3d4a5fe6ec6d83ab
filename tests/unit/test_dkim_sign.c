/* SPDX-License-Identifier: MIT */
/*
 * test_dkim_sign.c - private keys that are taken, keys that are not, and what they sign
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../plugins/lib/dkim_sign.h"
#include "../../plugins/lib/taglist.h"
#include "table.h"
#include "temp.h"

static char dir[TEMP_NAME_SIZE], path[TEMP_NAME_SIZE + 16];

static void
setup(void)
{
	ck_assert(temp_dir(dir, "chainmail-sign"));
	snprintf(path, sizeof(path), "%s/key.pem", dir);
}

static void
teardown(void)
{
	unlink(path);
	rmdir(dir);
}

static EVP_PKEY *
make_key(const char *type, size_t bits)
{
	if (strcmp(type, "RSA") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
	if (strcmp(type, "EC") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	return EVP_PKEY_Q_keygen(NULL, NULL, type);
}

static void
write_key(EVP_PKEY *pkey, const char *passphrase, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(
		PEM_write_PKCS8PrivateKey(f, pkey, passphrase == NULL ? NULL : EVP_aes_128_cbc(),
			passphrase, passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL),
		1);
	fclose(f);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static const struct {
	const char *type;
	size_t bits;
	const char *passphrase;
	mode_t mode;
	const char *why; /* NULL: it is taken */
} keys[] = {
	{"RSA", 1024, NULL, 0600, NULL},
	{"RSA", 2048, NULL, 0400, NULL},
	{"RSA", 1024, NULL, 0640, NULL},
	{"ED25519", 0, NULL, 0600, NULL},
	{"RSA", 512, NULL, 0600, "an RSA key of less than 1024 bits"},
	{"EC", 0, NULL, 0600, "the key is neither RSA nor Ed25519"},
	{"X25519", 0, NULL, 0600, "the key is neither RSA nor Ed25519"},
	{"RSA", 1024, "secret", 0600,
		"the key is encrypted: openssl pkey takes the passphrase away"},
	{"RSA", 1024, NULL, 0644, "others can read or change the key: chmod 0640, or less"},
	{"RSA", 1024, NULL, 0660, "others can read or change the key: chmod 0640, or less"},
	{"RSA", 1024, NULL, 0602, "others can read or change the key: chmod 0640, or less"},
};

START_TEST(which_keys_are_taken)
{
	EVP_PKEY *pkey = make_key(keys[_i].type, keys[_i].bits);
	struct dkim_signer signer;
	char why[512] = "";
	bool taken;

	ck_assert_ptr_nonnull(pkey);
	write_key(pkey, keys[_i].passphrase, keys[_i].mode);
	taken = dkim_signer_open(&signer, path, why, sizeof(why));
	ck_assert_msg(taken == (keys[_i].why == NULL), "%s", why);
	if (!taken) {
		ck_assert_msg(strncmp(why, path, strlen(path)) == 0, "%s", why);
		ck_assert_str_eq(why + strlen(path) + 2, keys[_i].why);
	}
	dkim_signer_close(&signer);
	EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(a_file_that_is_no_key_says_so)
{
	static const char *const texts[] = {
		"", "hello\n", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"};
	struct dkim_signer signer;
	char why[512];
	FILE *f = fopen(path, "w");

	fputs(texts[_i], f);
	fclose(f);
	chmod(path, 0600);
	ck_assert(!dkim_signer_open(&signer, path, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, ": there is no private key in PEM format in it"));
	ck_assert_ptr_null(signer.pkey);
}
END_TEST

START_TEST(what_is_no_file_says_so)
{
	struct dkim_signer signer;
	char why[512];

	ck_assert(!dkim_signer_open(&signer, path, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, ": No such file or directory"));
	ck_assert(!dkim_signer_open(&signer, dir, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, ": a key must be a file"));
	/* Nobody writes to it: opening must not wait. */
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert(!dkim_signer_open(&signer, path, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, ": a key must be a file"));
}
END_TEST

static void
record_of(EVP_PKEY *pkey, bool rsa, char *record, size_t size)
{
	unsigned char der[1024], *p = der, text[1400];
	size_t len = sizeof(der);

	if (rsa)
		len = (size_t)i2d_PUBKEY(pkey, &p);
	else
		ck_assert_int_eq(EVP_PKEY_get_raw_public_key(pkey, der, &len), 1);
	EVP_EncodeBlock(text, der, (int)len);
	snprintf(record, size, "k=%s; p=%s", rsa ? "rsa" : "ed25519", (char *)text);
}

START_TEST(what_is_signed_verifies)
{
	static const char *const types[] = {"RSA", "ED25519"};
	unsigned char hash[DIGEST_SIZE] = {1, 2, 3}, octets[DKIM_SIG_OCTETS_MOST];
	EVP_PKEY *pkey = make_key(types[_i], 1024);
	char why[512], record[2048], text[DKIM_SIGN_TEXT_SIZE];
	const struct dkim_key *key;
	struct dkim_signer signer;
	size_t len;

	write_key(pkey, NULL, 0600);
	record_of(pkey, _i == 0, record, sizeof(record));
	ck_assert(dkim_signer_open(&signer, path, why, sizeof(why)));
	ck_assert(dkim_signer_sign(&signer, hash, text));
	len = taglist_base64(text, strlen(text), octets, sizeof(octets));
	key = dkim_key_get(record, strlen(record));
	ck_assert_msg(key->problem == NULL, "%s", key->problem);
	ck_assert(dkim_key_verify(key, hash, octets, len));
	hash[31] ^= 1;
	ck_assert(!dkim_key_verify(key, hash, octets, len));
	dkim_key_drop(key);
	dkim_signer_close(&signer);
	EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(a_hash_is_written_as_bh_has_it)
{
	const unsigned char hash[DIGEST_SIZE] = {0xff, 0, 1};
	char text[DKIM_SIGN_HASH_SIZE];

	dkim_sign_hash_text(hash, text);
	ck_assert_str_eq(text, "/wABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dkim_sign");
	TCase *tc = tcase_create("dkim_sign");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, which_keys_are_taken, 0, LENGTH(keys));
	tcase_add_loop_test(tc, a_file_that_is_no_key_says_so, 0, 3);
	tcase_add_test(tc, what_is_no_file_says_so);
	tcase_add_loop_test(tc, what_is_signed_verifies, 0, 2);
	tcase_add_test(tc, a_hash_is_written_as_bh_has_it);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
