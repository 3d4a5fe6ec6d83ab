/* SPDX-License-Identifier: MIT */
/*
 * test_dkim_private.c - private keys: what is one, who may reach its file, what it signs
 */
#include "../../plugins/lib/dkim_private.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "../../plugins/lib/dkim_hash.h"
#include "../../plugins/lib/taglist.h"
#include "dkim_keys.h"
#include "table.h"
#include "temp.h"

#define SMALL_RSA                                                            \
	"-----BEGIN RSA PRIVATE KEY-----\n"                                  \
	"MIIBPAIBAAJBALbA8PuXuhGO7QnCifhCJRGwdFpkAcDCPaCAqzYGsXTM5Prqrw6K\n" \
	"42ZToJsK1sTzu+sgSXuPlkoXvHVPFNZw1EcCAwEAAQJBAJQM0iy/yfkXdGgHtYXs\n" \
	"7+LYtCnWAqWJtiskkY7+9RvM0reaj/WPrpI1FNTZTP7Hlkg3Eb4eF8oybpW9vsJs\n" \
	"f6ECIQDgCYkPgQRgqv3VRpI4p3EUyo/gnHJnjFXBQLfDC52+pQIhANDTnWp5QZi6\n" \
	"vSjOW0DmRNAORfOKlCMl79e3TKMCm197AiEA18H3IFpE5//kwt/a8/q1matWkp64\n" \
	"QubQs3NrRcjLGw0CIGTytzkeTtCHDSQpxUE1T3SIQdZ+Wig3kZ7lFB4FB5j7AiEA\n" \
	"vWugczYjY4UuW0KSYcVKZ9nPvjSA+YF/PJPW8/r3MRA=\n"                     \
	"-----END RSA PRIVATE KEY-----\n"
#define P256                                                                 \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8pKqdhzwx82RQgPb\n" \
	"RT+HxWmOf/0p8UBUy2Cu3JZ+qXmhRANCAAQ2oKJIfhKNJFiyv2lUDNWulhSHLkk8\n" \
	"ZWh8JYM1Ewyl4GAFMdSfJceIwcmV1Kj1SXRLgL6tPVDKVLc5ZY3nNWgz\n"         \
	"-----END PRIVATE KEY-----\n"
/* Its passphrase is secret. */
#define ENCRYPTED                                                            \
	"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"                            \
	"MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAi5ViplmKQADAICCAAw\n" \
	"DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEGGadvsHVhSh0bNluo5zyo0EQBTX\n" \
	"TUYRwnhzfttYLxYWdq1xyRL2TrtKbbJP7spfDHQnI3k5N7FJX/p218dT17/TaSF4\n" \
	"ibhh2Ofd/arzTnf9GmE=\n"                                             \
	"-----END ENCRYPTED PRIVATE KEY-----\n"

/* --- what is a key ------------------------------------------------------------------------------
 */

static const struct {
	const char *what, *pem, *why;
} texts[] = {
	{"the standard's RSA key", DKIM_KEYS_RSA, NULL},
	{"the standard's Ed25519 key", DKIM_KEYS_ED25519, NULL},
	{"text in front of the key", "my key\n" DKIM_KEYS_ED25519, NULL},
	{"an empty file", "", "no private key in PEM, or one with a passphrase"},
	{"a public key",
		"-----BEGIN PUBLIC KEY-----\n"
		"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
		"-----END PUBLIC KEY-----\n",
		"no private key in PEM, or one with a passphrase"},
	{"half a key", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE\n",
		"no private key in PEM, or one with a passphrase"},
	{"a key that waits for a passphrase", ENCRYPTED,
		"no private key in PEM, or one with a passphrase"},
	{"a key of another kind", P256, "neither an RSA nor an Ed25519 key"},
	{"an RSA key of 512 bits", SMALL_RSA,
		"an RSA key of less than 1024 bits, which nobody accepts"},
};

START_TEST(text)
{
	const char *why;
	struct dkim_private *key = dkim_private_parse(texts[_i].pem, strlen(texts[_i].pem), &why);

	ck_assert_msg((key != NULL) == (texts[_i].why == NULL), "%s: %s", texts[_i].what,
		why == NULL ? "taken" : why);
	ck_assert_pstr_eq(why, texts[_i].why);
	dkim_private_free(key);
}
END_TEST

/* --- records and signatures ---------------------------------------------------------------------
 */

static struct dkim_private *
parse(const char *pem)
{
	const char *why;
	struct dkim_private *key = dkim_private_parse(pem, strlen(pem), &why);

	ck_assert_msg(key != NULL, "%s", why);
	return key;
}

static const struct {
	const char *pem, *record, *other;
} pairs[] = {
	{DKIM_KEYS_RSA, DKIM_KEYS_RSA_RECORD, DKIM_KEYS_ED25519_RECORD},
	{DKIM_KEYS_ED25519, DKIM_KEYS_ED25519_RECORD, DKIM_KEYS_RSA_RECORD},
};

START_TEST(record_is_the_standards)
{
	struct dkim_private *key = parse(pairs[_i].pem);
	char record[DKIM_PRIVATE_RECORD_SIZE];

	ck_assert(dkim_private_record(key, record));
	ck_assert_str_eq(record, pairs[_i].record);
	dkim_private_free(key);
}
END_TEST

START_TEST(matches_its_own_record_alone)
{
	struct dkim_private *key = parse(pairs[_i].pem);
	const struct dkim_key *own = dkim_key_get(pairs[_i].record, strlen(pairs[_i].record));
	const struct dkim_key *other = dkim_key_get(pairs[_i].other, strlen(pairs[_i].other));
	const struct dkim_key *revoked = dkim_key_get("p=", 2);

	ck_assert(dkim_private_matches(key, own));
	ck_assert(!dkim_private_matches(key, other));
	ck_assert(!dkim_private_matches(key, revoked));
	dkim_key_drop(own);
	dkim_key_drop(other);
	dkim_key_drop(revoked);
	dkim_private_free(key);
}
END_TEST

/* RFC 8463 appendix A.3: both signatures, without b=. */
#define RFC_8463_HEAD(a, s)                                       \
	" v=1; a=" a "; c=relaxed/relaxed;\n"                     \
	" d=football.example.com; i=@football.example.com;\n"     \
	" q=dns/txt; s=" s "; t=1528637909; h=from : to :\n"      \
	" subject : date : message-id : from : subject : date;\n" \
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"     \
	" b="

static const struct {
	const char *pem, *head, *signature;
} rfc_8463[] = {
	{DKIM_KEYS_ED25519, RFC_8463_HEAD("ed25519-sha256", "brisbane"),
		"/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus"
		"Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="},
	{DKIM_KEYS_RSA, RFC_8463_HEAD("rsa-sha256", "test"),
		"F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3"
		"DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz"
		"dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8="},
};

static const char *const rfc_8463_fields[][2] = {
	{"From", " Joe SixPack <joe@football.example.com>"},
	{"To", " Suzie Q <suzie@shopping.example.net>"},
	{"Subject", " Is dinner ready?"},
	{"Date", " Fri, 11 Jul 2003 21:00:37 -0700 (PDT)"},
	{"Message-ID", " <20030712040037.46341.5F8J@football.example.com>"},
};

static struct canon_field
field(const char *name, const char *value)
{
	return (struct canon_field){name, value, strlen(name), strlen(value)};
}

START_TEST(signs_as_the_standard_does)
{
	const char *head = rfc_8463[_i].head;
	/* b= of nothing is none, so it is read with something in it, which is not hashed. */
	char value[1024], base64[512];
	struct canon_field fields[6];
	unsigned char hash[DIGEST_SIZE], octets[DKIM_PRIVATE_OCTETS];
	struct dkim_private *key = parse(rfc_8463[_i].pem);
	struct dkim_fields all;
	struct dkim_sig sig;
	const char *why;
	size_t len;

	snprintf(value, sizeof(value), "%sAAAA", head);
	ck_assert_msg(dkim_sig_read(&sig, DKIM_SIG_DKIM, value, strlen(value), &why), "%s", why);
	fields[0] = field("DKIM-Signature", value);
	for (size_t i = 0; i < 5; i++)
		fields[i + 1] = field(rfc_8463_fields[i][0], rfc_8463_fields[i][1]);
	ck_assert(dkim_fields_init(&all, fields, 6));
	ck_assert(dkim_hash(&all, &sig, 0, hash));
	len = dkim_private_sign(key, hash, octets);
	ck_assert_uint_gt(len, 0);
	ck_assert(taglist_write_base64(octets, len, base64, sizeof(base64)));
	ck_assert_str_eq(base64, rfc_8463[_i].signature);
	dkim_fields_fini(&all);
	dkim_private_free(key);
}
END_TEST

/* --- files --------------------------------------------------------------------------------------
 */

struct files {
	char top[TEMP_NAME_SIZE], dir[96];
};

static void
files_init(struct files *f)
{
	ck_assert(temp_dir(f->top, "chainmail-keys"));
	snprintf(f->dir, sizeof(f->dir), "%s/keys", f->top);
	dkim_keys_write(f->dir, "example.com", "s1", DKIM_KEYS_ED25519);
}

static void
files_fini(struct files *f)
{
	dkim_keys_remove(f->dir, "example.com", "s1");
	rmdir(f->top);
}

/* What an administrator did to a good key, and what is said of it. */
static const struct {
	const char *what, *path; /* below the directory with keys */
	mode_t mode;
	const char *why; /* NULL: it is used */
} rights[] = {
	{"a key for its owner alone", "example.com/s1.pem", 0400, NULL},
	{"a key that the group may read", "example.com/s1.pem", 0640, NULL},
	{"a key that the group may write", "example.com/s1.pem", 0660,
		"example.com/s1.pem has mode 0660, so others can reach the key; chmod 0600 it, or "
		"0640 for the daemon's group"},
	{"a key that all may read", "example.com/s1.pem", 0644,
		"example.com/s1.pem has mode 0644, so others can reach the key; chmod 0600 it, or "
		"0640 for the daemon's group"},
	{"a directory that all may look into", "example.com", 0755, NULL},
	{"a directory that the group may write", "example.com", 0770,
		"example.com can be written to by others (mode 0770), who could replace keys; "
		"chmod go-w it"},
	{"a top directory that all may write", ".", 0777,
		" can be written to by others (mode 0777), who could replace keys; chmod go-w it"},
	{"a sticky top directory that all may write", ".", 01777,
		" can be written to by others (mode 1777), who could replace keys; chmod go-w it"},
};

START_TEST(right)
{
	char path[192], why[DKIM_PRIVATE_WHY] = "";
	struct dkim_private *key;
	struct files f;

	files_init(&f);
	snprintf(path, sizeof(path), "%s/%s", f.dir, rights[_i].path);
	ck_assert_int_eq(chmod(path, rights[_i].mode), 0);
	key = dkim_private_load(
		&(struct dkim_private_name){f.dir, "example.com", "s1"}, why, sizeof(why));
	ck_assert_msg((key != NULL) == (rights[_i].why == NULL), "%s: %s", rights[_i].what, why);
	if (key == NULL)
		ck_assert_msg(strstr(why, rights[_i].why) != NULL, "%s: %s", rights[_i].what, why);
	dkim_private_free(key);
	chmod(path, 0700);
	files_fini(&f);
}
END_TEST

/* Root alone can give files away. */
static const struct {
	const char *what, *path;
} owners[] = {
	{"a key of somebody else", "example.com/s1.pem"},
	{"a directory of somebody else", "example.com"},
};

START_TEST(owner)
{
	char path[192], why[DKIM_PRIVATE_WHY] = "";
	struct files f;

	if (geteuid() != 0) {
		table_skip("owner", "only root can give files away");
		return;
	}
	files_init(&f);
	snprintf(path, sizeof(path), "%s/%s", f.dir, owners[_i].path);
	ck_assert_int_eq(chown(path, 12345, (gid_t)-1), 0);
	ck_assert_ptr_null(dkim_private_load(
		&(struct dkim_private_name){f.dir, "example.com", "s1"}, why, sizeof(why)));
	ck_assert_msg(
		strstr(why, " belongs to user 12345, who could replace the key; chown it to "
			    "root, or all keys and their directories to the daemon's user") != NULL,
		"%s: %s", owners[_i].what, why);
	files_fini(&f);
}
END_TEST

/* The daemon's user may have all of it, and root looks at it first. */
START_TEST(owner_of_all_of_it)
{
	static const char *const paths[] = {"", "/example.com", "/example.com/s1.pem"};
	char path[192], why[DKIM_PRIVATE_WHY] = "";
	struct dkim_private *key;
	struct files f;

	if (geteuid() != 0) {
		table_skip("owner_of_all_of_it", "only root can give files away");
		return;
	}
	files_init(&f);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", f.dir, paths[i]);
		ck_assert_int_eq(chown(path, 12345, (gid_t)-1), 0);
	}
	key = dkim_private_load(
		&(struct dkim_private_name){f.dir, "example.com", "s1"}, why, sizeof(why));
	ck_assert_msg(key != NULL, "%s", why);
	dkim_private_free(key);
	files_fini(&f);
}
END_TEST

static const struct {
	const char *what, *domain, *selector, *why;
} names[] = {
	{"a key that is not there", "example.com", "s2",
		"/keys/example.com/s2.pem is not there; make it: chainmail dkim genkey example.com "
		"s2"},
	{"a domain that leads elsewhere", "../../etc", "s1", "cannot be the name of a key"},
	{"a selector that leads elsewhere", "example.com", "../x", "cannot be the name of a key"},
	{"a selector without a name", "example.com", "", "cannot be the name of a key"},
};

START_TEST(name)
{
	char why[DKIM_PRIVATE_WHY] = "";
	struct files f;

	files_init(&f);
	ck_assert_ptr_null(dkim_private_load(
		&(struct dkim_private_name){f.dir, names[_i].domain, names[_i].selector}, why,
		sizeof(why)));
	ck_assert_msg(strstr(why, names[_i].why) != NULL, "%s: %s", names[_i].what, why);
	files_fini(&f);
}
END_TEST

/* A file that a setting names, wherever it stands. */
static const struct {
	const char *what, *path; /* below the directory with keys */
	mode_t mode;
	uid_t owner;	 /* 0: who made it */
	const char *why; /* NULL: it is used */
} files[] = {
	{"a key for its owner alone", "example.com/s1.pem", 0600, 0, NULL},
	{"a key that the group may read", "example.com/s1.pem", 0640, 0, NULL},
	{"a key of the daemon's user, whom root does not know", "example.com/s1.pem", 0600, 12345,
		NULL},
	{"a key that all may read", "example.com/s1.pem", 0644, 0,
		"has mode 0644, so others can reach the key"},
	{"a key that the group may write", "example.com/s1.pem", 0660, 0,
		"has mode 0660, so others can reach the key"},
	{"a directory", "example.com", 0700, 0, "is not a file"},
	{"no file", "example.com/s2.pem", 0, 0, ": No such file or directory"},
};

START_TEST(file)
{
	char path[192], why[DKIM_PRIVATE_WHY] = "";
	struct dkim_private *key;
	struct files f;

	if (files[_i].owner != 0 && geteuid() != 0) {
		table_skip("file", "only root can give files away");
		return;
	}
	files_init(&f);
	snprintf(path, sizeof(path), "%s/%s", f.dir, files[_i].path);
	chmod(path, files[_i].mode);
	if (files[_i].owner != 0)
		ck_assert_int_eq(chown(path, files[_i].owner, (gid_t)-1), 0);
	key = dkim_private_read(path, why, sizeof(why));
	ck_assert_msg((key != NULL) == (files[_i].why == NULL), "%s: %s", files[_i].what, why);
	if (key == NULL)
		ck_assert_msg(strstr(why, files[_i].why) != NULL, "%s: %s", files[_i].what, why);
	dkim_private_free(key);
	files_fini(&f);
}
END_TEST

START_TEST(fifo_is_not_waited_for)
{
	char path[192], why[DKIM_PRIVATE_WHY] = "";
	struct files f;

	files_init(&f);
	snprintf(path, sizeof(path), "%s/example.com/s1.pem", f.dir);
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_ptr_null(dkim_private_load(
		&(struct dkim_private_name){f.dir, "example.com", "s1"}, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "s1.pem is not a file"));
	files_fini(&f);
}
END_TEST

START_TEST(huge_file_is_no_key)
{
	char path[192], why[DKIM_PRIVATE_WHY] = "";
	struct files f;

	files_init(&f);
	snprintf(path, sizeof(path), "%s/example.com/s1.pem", f.dir);
	ck_assert_int_eq(truncate(path, 1 << 20), 0);
	ck_assert_ptr_null(dkim_private_load(
		&(struct dkim_private_name){f.dir, "example.com", "s1"}, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "s1.pem: File too large"));
	files_fini(&f);
}
END_TEST

/* --- making -------------------------------------------------------------------------------------
 */

static mode_t
mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static const struct {
	enum dkim_key_type type;
	unsigned bits, is;
	gid_t group;
	mode_t file, dir;
} made[] = {
	{DKIM_KEY_RSA, 2048, 2048, (gid_t)-1, 0600, 0700},
	{DKIM_KEY_ED25519, 0, 256, (gid_t)-1, 0600, 0700},
	{DKIM_KEY_ED25519, 0, 256, 0, 0640, 0750},
};

START_TEST(new_key_is_saved_and_loaded)
{
	struct dkim_private *key = dkim_private_new(made[_i].type, made[_i].bits), *again;
	char path[PATH_MAX], why[DKIM_PRIVATE_WHY] = "", dir[96], domain[128], record[2][2048];
	char top[TEMP_NAME_SIZE];
	gid_t group = made[_i].group == 0 ? getegid() : made[_i].group;

	ck_assert_ptr_nonnull(key);
	ck_assert_uint_eq(key->bits, made[_i].is);
	ck_assert(temp_dir(top, "chainmail-keys"));
	snprintf(dir, sizeof(dir), "%s/keys", top);
	snprintf(domain, sizeof(domain), "%s/example.org", dir);
	const struct dkim_private_name n = {dir, "example.org", "new"};

	ck_assert_msg(dkim_private_save(key, &n, group, path, why, sizeof(why)), "%s", why);
	ck_assert_uint_eq(mode_of(path), made[_i].file);
	ck_assert_uint_eq(mode_of(dir), made[_i].dir);
	ck_assert_uint_eq(mode_of(domain), made[_i].dir);
	again = dkim_private_load(&n, why, sizeof(why));
	ck_assert_msg(again != NULL, "%s", why);
	ck_assert(dkim_private_record(key, record[0]) && dkim_private_record(again, record[1]));
	ck_assert_str_eq(record[0], record[1]);
	/* It is never written over. */
	ck_assert(!dkim_private_save(key, &n, group, path, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "new.pem is there already, and is not replaced"));
	dkim_private_free(again);
	dkim_private_free(key);
	dkim_keys_remove(dir, "example.org", "new");
	rmdir(top);
}
END_TEST

static const struct {
	const char *what, *path; /* below the directory that the test has made */
	mode_t mode;
	const char *why; /* NULL: a key is made there */
} places[] = {
	{"a directory for all domains that all may read", "/keys", 0755, NULL},
	{"a directory for all domains that the group may write", "/keys", 0770,
		"/keys can be written to by others (mode 0770), who could replace keys"},
	{"a directory for all domains that all may write", "/keys", 01777,
		"/keys can be written to by others (mode 1777), who could replace keys"},
	{"a domain's directory that all may write", "/keys/example.org", 0777,
		"/keys/example.org can be written to by others (mode 0777)"},
	{"a file in the place of a directory", NULL, 0, "is not a directory"},
};

START_TEST(a_key_is_made_only_where_it_would_be_used)
{
	struct dkim_private *key = dkim_private_new(DKIM_KEY_ED25519, 0);
	char top[TEMP_NAME_SIZE], dir[96], path[192], made_at[PATH_MAX], why[DKIM_PRIVATE_WHY] = "";
	bool made_it;

	ck_assert(temp_dir(top, "chainmail-keys"));
	snprintf(dir, sizeof(dir), "%s/keys", top);
	snprintf(path, sizeof(path), "%s%s", top, places[_i].path == NULL ? "" : places[_i].path);
	if (places[_i].path == NULL)
		close(open(dir, O_CREAT | O_WRONLY, 0600));
	else
		ck_assert_int_eq(mkdir(dir, 0700), 0);
	if (places[_i].path != NULL) {
		mkdir(path, 0700);
		ck_assert_int_eq(chmod(path, places[_i].mode), 0);
	}
	made_it = dkim_private_save(key, &(struct dkim_private_name){dir, "example.org", "new"},
		(gid_t)-1, made_at, why, sizeof(why));
	ck_assert_msg(made_it == (places[_i].why == NULL), "%s: %s", places[_i].what, why);
	if (!made_it)
		ck_assert_msg(strstr(why, places[_i].why) != NULL, "%s: %s", places[_i].what, why);
	snprintf(path, sizeof(path), "%s/example.org/new.pem", dir);
	ck_assert_int_eq(access(path, F_OK) == 0, made_it);
	dkim_private_free(key);
	unlink(dir);
	dkim_keys_remove(dir, "example.org", "new");
	rmdir(top);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dkim_private");
	TCase *tc = tcase_create("dkim_private");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, text, 0, LENGTH(texts));
	tcase_add_loop_test(tc, record_is_the_standards, 0, LENGTH(pairs));
	tcase_add_loop_test(tc, matches_its_own_record_alone, 0, LENGTH(pairs));
	tcase_add_loop_test(tc, signs_as_the_standard_does, 0, LENGTH(rfc_8463));
	tcase_add_loop_test(tc, right, 0, LENGTH(rights));
	tcase_add_loop_test(tc, owner, 0, LENGTH(owners));
	tcase_add_test(tc, owner_of_all_of_it);
	tcase_add_loop_test(tc, name, 0, LENGTH(names));
	tcase_add_loop_test(tc, file, 0, LENGTH(files));
	tcase_add_test(tc, fifo_is_not_waited_for);
	tcase_add_test(tc, huge_file_is_no_key);
	tcase_add_loop_test(tc, new_key_is_saved_and_loaded, 0, LENGTH(made));
	tcase_add_loop_test(tc, a_key_is_made_only_where_it_would_be_used, 0, LENGTH(places));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
