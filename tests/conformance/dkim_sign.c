/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign.c - signs a message with libopendkim, as Debian's opendkim does
 *
 * usage: dkim_sign KEY SELECTOR DOMAIN CANON <MESSAGE >SIGNED. KEY: a file in PEM; CANON:
 * "relaxed/simple".
 */
#include <opendkim/dkim.h>
#include <stdbool.h>
#include <stdio.h>

#include "../unit/dkim_case.h"

static void
must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "dkim_sign: %s\n", what);
	exit(1);
}

static char *
read_all(FILE *f, size_t *len)
{
	size_t room = 1 << 20;
	char *text = malloc(room + 1);

	must(f != NULL && text != NULL, "no such file");
	*len = fread(text, 1, room, f);
	must(*len < room, "too large");
	text[*len] = '\0';
	return text;
}

static dkim_canon_t
canon_of(const char *word)
{
	return strncmp(word, "relaxed", 7) == 0 ? DKIM_CANON_RELAXED : DKIM_CANON_SIMPLE;
}

static DKIM *
begin(DKIM_LIB *lib, char **argv, char *key)
{
	bool rsa = strstr(key, "RSA") != NULL;
	DKIM_STAT status;
	DKIM *dkim = dkim_sign(lib, (const unsigned char *)"test", NULL, (dkim_sigkey_t)key,
		(const unsigned char *)argv[2], (const unsigned char *)argv[3], canon_of(argv[4]),
		canon_of(strchr(argv[4], '/') + 1),
		rsa ? DKIM_SIGN_RSASHA256 : DKIM_SIGN_ED25519SHA256, -1, &status);

	must(dkim != NULL, "dkim_sign failed");
	return dkim;
}

int
main(int argc, char **argv)
{
	DKIM_LIB *lib = dkim_init(NULL, NULL);
	struct dkim_case c;
	char *text, *key;
	size_t len, size;
	u_char *field;
	DKIM *dkim;

	must(argc == 5 && strchr(argv[4], '/') != NULL, "usage: KEY SELECTOR DOMAIN CANON");
	key = read_all(fopen(argv[1], "r"), &len);
	text = read_all(stdin, &len);
	dkim_case_init(&c, text, len, true);
	dkim = begin(lib, argv, key);
	for (size_t i = 0; i < c.field_count; i++) {
		const struct canon_field *f = &c.fields[i];

		must(dkim_header(dkim, (u_char *)(uintptr_t)f->name, f->name_len + 1 + f->len) ==
				DKIM_STAT_OK,
			"a field that is none");
	}
	must(dkim_eoh(dkim) == DKIM_STAT_OK, "a header that is none");
	must(dkim_body(dkim, (u_char *)(uintptr_t)c.body, c.body_len) == DKIM_STAT_OK, "no body");
	must(dkim_eom(dkim, NULL) == DKIM_STAT_OK, dkim_geterror(dkim));
	must(dkim_getsighdr_d(dkim, sizeof("DKIM-Signature: ") - 1, &field, &size) == DKIM_STAT_OK,
		"no signature");
	printf("DKIM-Signature: %s\r\n", (const char *)field);
	fwrite(text, 1, len, stdout);
	dkim_free(dkim);
	dkim_close(lib);
	dkim_case_fini(&c);
	free(text);
	free(key);
	return 0;
}
