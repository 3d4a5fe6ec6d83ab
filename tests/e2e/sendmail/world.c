/* SPDX-License-Identifier: MIT */
/*
 * world.c - the machine around the private Sendmail: names of addresses, and where log lines go
 *
 * Loaded in front of libc. Sendmail can be told to ask no DNS, but a client's name comes from the
 * machine's own name service, and its log goes to the machine's syslog. Here names stand in the
 * file HOSTS, a line "ADDRESS NAME" each, and lines of the log go to the file LOG. Both are given
 * when this is compiled.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <unistd.h>

static struct hostent *
host(int family, const char *name, const void *address, size_t length)
{
	static char kept_name[256], kept_address[16];
	static char *addresses[] = {kept_address, NULL}, *no_aliases[] = {NULL};
	static struct hostent h;

	snprintf(kept_name, sizeof(kept_name), "%s", name);
	memcpy(kept_address, address, length);
	h.h_name = kept_name;
	h.h_aliases = no_aliases;
	h.h_addrtype = family;
	h.h_length = (int)length;
	h.h_addr_list = addresses;
	return &h;
}

/* The first line with that name, or, without one, with that address. */
static struct hostent *
look_up(int family, const char *wanted_name, const void *wanted)
{
	size_t length = family == AF_INET ? 4 : 16;
	struct hostent *found = NULL;
	char text[64], name[256];
	unsigned char address[16];
	FILE *f = fopen(HOSTS, "re");

	while (f && !found && fscanf(f, "%63s %255s", text, name) == 2) {
		if (inet_pton(family, text, address) != 1)
			continue;
		if (wanted_name ? strcasecmp(name, wanted_name) == 0
				: memcmp(address, wanted, length) == 0)
			found = host(family, name, address, length);
	}
	if (f)
		fclose(f);
	h_errno = found ? 0 : HOST_NOT_FOUND;
	return found;
}

struct hostent *
gethostbyaddr(const void *address, socklen_t length, int family)
{
	(void)length;
	return look_up(family, NULL, address);
}

struct hostent *
gethostbyname2(const char *name, int family)
{
	return look_up(family, name, NULL);
}

/* One write, so that lines of several processes do not mix. */
static void
write_line(const char *format, va_list values)
{
	char line[8192];
	int kept_errno = errno, fd = open(LOG, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	int n = snprintf(line, sizeof(line), "sendmail[%d]: ", (int)getpid());

	errno = kept_errno; /* for %m */
	n += vsnprintf(line + n, sizeof(line) - (size_t)n, format, values);
	if (n > (int)sizeof(line) - 1)
		n = (int)sizeof(line) - 1;
	line[n++] = '\n';
	if (fd >= 0) {
		if (write(fd, line, (size_t)n) < 0)
			kept_errno = errno;
		close(fd);
	}
	errno = kept_errno;
}

void
openlog(const char *name, int option, int facility)
{
	(void)name, (void)option, (void)facility;
}

void
syslog(int priority, const char *format, ...)
{
	va_list values;

	(void)priority;
	va_start(values, format);
	write_line(format, values);
	va_end(values);
}

/* What a fortified program calls in its place. */
void __syslog_chk(int priority, int flag, const char *format, ...);

void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list values;

	(void)priority, (void)flag;
	va_start(values, format);
	write_line(format, values);
	va_end(values);
}
