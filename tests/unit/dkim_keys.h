/* SPDX-License-Identifier: MIT */
/*
 * dkim_keys.h - the standards' own private keys, and their files
 */
#ifndef TESTS_UNIT_DKIM_KEYS_H
#define TESTS_UNIT_DKIM_KEYS_H

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* RFC 8463 appendix A.1; the record of appendix A.2. */
#define DKIM_KEYS_RSA                                                        \
	"-----BEGIN RSA PRIVATE KEY-----\n"                                  \
	"MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi\n" \
	"Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\n" \
	"KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\n" \
	"AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm\n" \
	"6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe\n" \
	"zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy\n" \
	"6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc\n" \
	"uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy\n" \
	"WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd\n" \
	"WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a\n" \
	"licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst\n" \
	"o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe\n" \
	"uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL\n"                     \
	"-----END RSA PRIVATE KEY-----\n"
#define DKIM_KEYS_RSA_RECORD                                                   \
	"v=DKIM1; k=rsa; p="                                                   \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08" \
	"a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR" \
	"+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l" \
	"/K4w3QIDAQAB"
/* Its 32 octets, which are those of RFC 8032 section 7.1, in the form of RFC 8410. */
#define DKIM_KEYS_ED25519                                                    \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n" \
	"-----END PRIVATE KEY-----\n"
#define DKIM_KEYS_ED25519_RECORD \
	"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

/* DIR/DOMAIN/SELECTOR.pem, as a careful administrator has it. */
static inline void
dkim_keys_write(const char *dir, const char *domain, const char *selector, const char *pem)
{
	char path[PATH_MAX];
	FILE *f;

	mkdir(dir, 0700);
	snprintf(path, sizeof(path), "%s/%s", dir, domain);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/%s.pem", dir, domain, selector);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(pem, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static inline void
dkim_keys_remove(const char *dir, const char *domain, const char *selector)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s.pem", dir, domain, selector);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s", dir, domain);
	rmdir(path);
	rmdir(dir);
}

#endif
