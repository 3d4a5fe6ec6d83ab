/* SPDX-License-Identifier: MIT */
/*
 * owner.c - whose an address is, as Postfix's smtpd_sender_login_maps says it
 */
#include "owner.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Between the logins of one address. */
#define SEPARATORS ", \t\r\n"

bool
owner_listed(const char *owners, const char *login)
{
	size_t len = strlen(login);

	for (size_t n; *(owners += strspn(owners, SEPARATORS)) != '\0'; owners += n) {
		n = strcspn(owners, SEPARATORS);
		if (n == len && strncasecmp(owners, login, n) == 0)
			return true;
	}
	return false;
}

/* user+tag@domain without +tag; false when there is no tag. Quoted local parts have none. */
static bool
without_tag(char out[OWNER_KEY_SIZE], const char *addr, const char *delimiters)
{
	const char *at = strrchr(addr, '@');
	size_t user;

	if (delimiters == NULL || at == NULL || addr[0] == '"')
		return false;
	/* A delimiter in front is part of the name. */
	user = 1 + strcspn(addr + 1, delimiters);
	if (addr + user >= at || strlen(at) + user >= OWNER_KEY_SIZE)
		return false;
	snprintf(out, OWNER_KEY_SIZE, "%.*s%s", (int)user, addr, at);
	return true;
}

const char *
owner_key(char out[OWNER_KEY_SIZE], const char *addr, const char *domain, const char *delimiters,
	unsigned n)
{
	switch (n) {
	case 0:
		return addr;
	case 1:
		return without_tag(out, addr, delimiters) ? out : "";
	case 2:
		snprintf(out, OWNER_KEY_SIZE, "@%s", domain);
		return out;
	}
	return NULL;
}
