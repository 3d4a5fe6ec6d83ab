/* SPDX-License-Identifier: MIT */
/*
 * schema_socket.c - is a text a socket address?
 *
 * Separate because every program writes them differently, and the mistakes people bring along are
 * worth an answer of their own.
 */
#include "schema_socket.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/net.h"

#define DIGITS "0123456789"

/* Octets of a port at the start of text, 0 when there is none. */
static size_t
port_len(const char *text)
{
	size_t len = strspn(text, DIGITS);
	unsigned long port;

	if (len == 0 || len > 5)
		return 0;
	port = strtoul(text, NULL, 10);
	return port >= 1 && port <= 65535 ? len : 0;
}

static bool
is_port(const char *text)
{
	size_t len = port_len(text);

	return len > 0 && text[len] == '\0';
}

/* An address of IPv6 in brackets, as many write it. */
static bool
bracketed(const char *host)
{
	size_t len = strlen(host);
	struct net_addr addr;
	char inner[NET_TEXT];

	if (len < 3 || len - 2 >= sizeof(inner) || host[0] != '[' || host[len - 1] != ']')
		return false;
	memcpy(inner, host + 1, len - 2);
	inner[len - 2] = '\0';
	return net_parse(&addr, inner) && addr.family == 6;
}

static bool
host_ok(const char *host, int family)
{
	struct net_addr addr;

	if (net_parse(&addr, host))
		return addr.family == family;
	if (host[0] == '[')
		return family == 6 && bracketed(host);
	return host[0] != '\0' && strpbrk(host, ":/@ \t\n") == NULL;
}

static bool
check_inet(const char *text, int family, struct err *err)
{
	const char *prefix = family == 4 ? "inet" : "inet6";
	const char *local = family == 4 ? "127.0.0.1" : "::1";
	size_t len = port_len(text);
	size_t host = strcspn(text, "@:");

	if (len > 0 && text[len] == '@' && host_ok(text + len + 1, family))
		return true;
	if (is_port(text))
		return err_set(err, "write %s:%s@%s", prefix, text, local);
	if (text[host] == ':' && host > 0 && is_port(text + host + 1))
		return err_set(err, "write %s:%s@%.*s", prefix, text + host + 1, (int)host, text);
	if (len > 0 && text[len] == '@' && strchr(text, ':') != NULL && family == 4)
		return err_set(err, "write inet6:%s", text);
	return err_set(err, "write %s:PORT@HOST, such as %s:9464@%s", prefix, prefix, local);
}

static bool
check_unix(const char *path, struct err *err)
{
	size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

	if (path[0] == '\0')
		return err_set(err, "write unix:PATH, such as unix:/run/chainmail/milter.sock");
	if (strlen(path) > most)
		return err_set(err, "the path of a socket has at most %zu octets", most);
	return true;
}

bool
schema_socket_check(const char *text, struct err *err)
{
	size_t host = strcspn(text, ":");

	if (strncmp(text, "unix:", 5) == 0)
		return check_unix(text + 5, err);
	if (strncmp(text, "inet:", 5) == 0)
		return check_inet(text + 5, 4, err);
	if (strncmp(text, "inet6:", 6) == 0)
		return check_inet(text + 6, 6, err);
	if (strncmp(text, "local:", 6) == 0)
		return err_set(err, "write unix:%s", text + 6);
	if (text[0] == '/')
		return err_set(err, "write unix:%s", text);
	if (text[host] == ':' && host > 0 && is_port(text + host + 1))
		return err_set(err, "write inet:%s@%.*s", text + host + 1, (int)host, text);
	if (is_port(text))
		return err_set(err, "write inet:%s@127.0.0.1", text);
	return err_set(err, "a socket address is unix:PATH, inet:PORT@HOST or inet6:PORT@HOST");
}
