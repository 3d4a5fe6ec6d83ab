/* SPDX-License-Identifier: MIT */
/*
 * load_smtp.c - an SMTP client that says whose mail it brings
 */
#include "load_smtp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COMMANDS_SIZE 65536u
#define LINE_SIZE     1024u

struct smtp {
	FILE *in;
	int fd;
	char commands[COMMANDS_SIZE];
	size_t used;
};

/* Commands wait until a reply is wanted. */
static void say(struct smtp *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
say(struct smtp *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(s->commands + s->used, sizeof s->commands - s->used, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof s->commands - s->used)
		abort();
	s->used += (size_t)n;
}

static bool
write_all(struct smtp *s, const char *octets, size_t length)
{
	while (length > 0) {
		ssize_t n = send(s->fd, octets, length, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		octets += n;
		length -= (size_t)n;
	}
	return true;
}

static bool
flush(struct smtp *s)
{
	bool ok = write_all(s, s->commands, s->used);

	s->used = 0;
	return ok;
}

/* The code of the last line of a reply; 0: none came. */
static unsigned
hear(struct smtp *s)
{
	char line[LINE_SIZE];

	if (!flush(s))
		return 0;
	do {
		if (!fgets(line, sizeof line, s->in))
			return 0;
	} while (strlen(line) > 3 && line[3] == '-');
	return (unsigned)strtoul(line, NULL, 10);
}

static bool
introduce(struct smtp *s, const struct corpus_mail *mail)
{
	const char *family = strchr(mail->client, ':') ? "IPV6:" : "";
	bool literal = mail->helo[0] == '[';

	if (hear(s) != 220)
		return false;
	say(s, "EHLO bench.example.com\r\n");
	if (hear(s) != 250)
		return false;
	say(s, "XCLIENT NAME=%s ADDR=%s%s PORT=40000%s%s\r\n",
		literal ? "[UNAVAILABLE]" : mail->helo, family, mail->client,
		mail->login ? " LOGIN=" : "", mail->login ? mail->login : "");
	if (hear(s) != 220)
		return false;
	say(s, "EHLO %s\r\n", mail->helo);
	return hear(s) == 250;
}

struct smtp *
smtp_open(unsigned port, const struct corpus_mail *mail)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int yes = 1;
	struct smtp *s = calloc(1, sizeof *s);

	if (!s)
		abort();
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	s->in = s->fd >= 0 ? fdopen(s->fd, "r") : NULL;
	if (s->in && connect(s->fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
		setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0 &&
		introduce(s, mail))
		return s;
	fprintf(stderr, "load: no session with the MTA on port %u\n", port);
	if (s->in)
		fclose(s->in);
	free(s);
	return NULL;
}

unsigned
smtp_send(struct smtp *s, const struct corpus_mail *mail)
{
	unsigned refused = 0, code;

	say(s, "MAIL FROM:<%s> SIZE=%zu\r\n", mail->sender, mail->data_length);
	for (size_t i = 0; i < mail->rcpt_count; i++)
		say(s, "RCPT TO:<%s>\r\n", mail->rcpts[i]);
	say(s, "DATA\r\n");
	for (size_t i = 0; i < mail->rcpt_count + 1; i++) {
		code = hear(s);
		if (code != 250 && refused == 0)
			refused = code;
		if (code == 0)
			return 0;
	}
	code = hear(s);
	if (code != 354)
		return refused ? refused : code;
	if (!write_all(s, mail->data, mail->data_length))
		return 0;
	return hear(s);
}

void
smtp_close(struct smtp *s)
{
	if (!s)
		return;
	say(s, "QUIT\r\n");
	(void)hear(s);
	fclose(s->in);
	free(s);
}
