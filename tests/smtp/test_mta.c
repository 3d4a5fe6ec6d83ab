/* SPDX-License-Identifier: MIT */
/*
 * test_mta.c - does the test client speak as Postfix does, and does it see what is wrong in
 * answers?
 *
 * The same SMTP dialogue was held with a real Postfix 3.7.11; its packets are the files in
 * postfix-3.7.11/ (queue ids, ports and transport names made equal). A peer in a thread answers
 * here as the recorder did there. A second table holds answers that break the protocol.
 */
#include "mta.h"
#include "mta_wire.h"
#include "../unit/temp.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_MS 10000
#define LOG_SIZE   ((size_t)1 << 20)

/* What the peer does, and what it saw. */
struct peer {
	int listener;
	uint32_t steps;
	const char *lists; /* appended to the negotiation */
	size_t lists_length;
	const char *at_eom; /* raw answer to the end of message; NULL: continue */
	size_t at_eom_length;
	char *log;
	size_t log_length;
};

static unsigned passed;
static unsigned failed;
static char directory[TEMP_NAME_SIZE];
static char address[128];

static void
check(bool ok, const char *what, const char *detail)
{
	if (ok)
		passed++;
	else
		failed++;
	printf("%s %s%s%s\n", ok ? "ok  " : "FAIL", what, ok ? "" : ": ", ok ? "" : detail);
}

static void
log_text(struct peer *p, const char *text)
{
	size_t length = strlen(text);

	if (length >= LOG_SIZE - p->log_length)
		abort();
	memcpy(p->log + p->log_length, text, length + 1);
	p->log_length += length;
}

static void
log_packet(struct peer *p, const struct wire_packet *packet)
{
	char text[8];

	snprintf(text, sizeof text, "%c \"", packet->command);
	log_text(p, text);
	for (size_t i = 0; i < packet->length; i++) {
		unsigned char c = packet->data[i];
		bool plain = c >= ' ' && c <= '~' && c != '"' && c != '\\';

		snprintf(text, sizeof text, plain ? "%c" : "\\x%02x", c);
		log_text(p, text);
	}
	log_text(p, "\"\n");
}

static bool
holds(const struct wire_packet *packet, const char *text)
{
	return memmem(packet->data, packet->length, text, strlen(text)) != NULL;
}

static void
say(struct wire *w, char command, const char *text)
{
	const struct wire_part part = {text, text ? strlen(text) + 1 : 0};

	wire_add_packet(w, command, &part, 1);
}

static void
negotiate(struct peer *p, struct wire *w)
{
	const uint32_t wide[3] = {htonl(6), htonl(0x1ff), htonl(p->steps)};
	const struct wire_part parts[] = {{wide, sizeof wide}, {p->lists, p->lists_length}};

	wire_add_packet(w, SMFIC_OPTNEG, parts, 2);
}

/* Events whose answer may be switched off. */
static bool
answered(const struct peer *p, char command)
{
	static const struct {
		char command;
		uint32_t step;
	} rows[] = {
		{SMFIC_BODY, SMFIP_NR_BODY},
		{SMFIC_CONNECT, SMFIP_NR_CONN},
		{SMFIC_DATA, SMFIP_NR_DATA},
		{SMFIC_EOH, SMFIP_NR_EOH},
		{SMFIC_HEADER, SMFIP_NR_HDR},
		{SMFIC_HELO, SMFIP_NR_HELO},
		{SMFIC_MAIL, SMFIP_NR_MAIL},
		{SMFIC_RCPT, SMFIP_NR_RCPT},
		{SMFIC_UNKNOWN, SMFIP_NR_UNKN},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].command == command)
			return (p->steps & rows[i].step) == 0;
	return command == SMFIC_BODYEOB;
}

static void
answer(struct peer *p, struct wire *w, const struct wire_packet *packet)
{
	char command = packet->command;

	if (command == SMFIC_OPTNEG)
		negotiate(p, w);
	else if (!answered(p, command))
		return;
	else if (command == SMFIC_BODYEOB && p->at_eom)
		wire_add(w, p->at_eom, p->at_eom_length);
	else if (command == SMFIC_MAIL && holds(packet, "refuse@"))
		say(w, SMFIR_REPLYCODE, "550 5.7.1 go away");
	else if (command == SMFIC_RCPT && holds(packet, "refuse@"))
		say(w, SMFIR_REPLYCODE, "550 5.7.1 not him");
	else if (command == SMFIC_MAIL && holds(packet, "accept@"))
		say(w, SMFIR_ACCEPT, NULL);
	else if (command == SMFIC_HEADER && holds(packet, "refuse"))
		say(w, SMFIR_REJECT, NULL);
	else
		say(w, SMFIR_CONTINUE, NULL);
}

static void *
serve(void *context)
{
	struct peer *p = context;
	struct wire w = {.fd = accept(p->listener, NULL, NULL), .timeout_ms = TIMEOUT_MS};
	struct wire_packet packet = {0};

	while (wire_read(&w, TIMEOUT_MS, &packet) == WIRE_OK) {
		log_packet(p, &packet);
		if (packet.command == SMFIC_QUIT)
			break;
		answer(p, &w, &packet);
		if (wire_flush(&w) != WIRE_OK)
			break;
	}
	log_text(p, "end\n");
	wire_close(&w);
	return NULL;
}

static int
listen_here(void)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(where.sun_path, sizeof where.sun_path, "%s/socket", directory);
	snprintf(address, sizeof address, "unix:%s", where.sun_path);
	unlink(where.sun_path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&where, sizeof where) != 0 ||
		listen(fd, 4) != 0) {
		perror(where.sun_path);
		exit(1);
	}
	return fd;
}

/* --- the recorded dialogue -------------------------------------------------------------------- */

static void
send_headers(struct mta *m, const char *subject, bool all)
{
	mta_header(m, "Subject", subject);
	if (all) {
		mta_header(m, "X-Tab", "\tx");
		mta_header(m, "X-Fold", " a\n b");
	}
	mta_header(m, "Message-Id", " <1@x>");
	mta_header(m, "Date", " Mon, 23 Nov 2026 22:03:55 +0000");
	mta_header(m, "From", " a@example.org");
	mta_eoh(m);
	mta_body(m, "body\r\n", 6);
	mta_eom(m);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__})

static void
hold_dialogue(struct mta *m)
{
	mta_connect(m, "localhost", "127.0.0.1", 40000);
	mta_helo(m, "c.example");
	mta_mail(m, WORDS("<a@example.org>", "SIZE=100"), 2);
	mta_rcpt(m, WORDS("<refuse@example.com>"), 1);
	mta_rcpt(m, WORDS("<b@example.com>"), 1);
	mta_rcpt(m, WORDS("<c@example.net>"), 1);
	mta_data(m);
	send_headers(m, " hi", true);
	mta_mail(m, WORDS("<>"), 1);
	mta_abort(m);
	mta_mail(m, WORDS("<refuse@example.org>"), 1);
	mta_abort(m);
	mta_mail(m, WORDS("<a@example.org>"), 1);
	mta_rcpt(m, WORDS("<b@example.com>"), 1);
	mta_data(m);
	send_headers(m, " refuse", false);
	mta_mail(m, WORDS("<accept@example.org>"), 1);
	mta_rcpt(m, WORDS("<b@example.com>"), 1);
	mta_data(m);
	send_headers(m, " hi", true);
	mta_unknown(m, "FOO");
	mta_helo(m, "c.example");
	mta_mail(m, WORDS("<a@example.org>"), 1);
	mta_quit(m);
}

/* Our own queue ids become the word that stands in the recordings. */
static void
level_queue_ids(char *text)
{
	char *to = text;

	for (const char *from = text; *from;) {
		if (strncmp(from, "i\\x004X", 7) == 0) {
			to = memcpy(to, "i\\x00QUEUEID", 12) ? to + 12 : to;
			from += 15;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

static char *
read_file(const char *path)
{
	char *text = calloc(1, LOG_SIZE);
	FILE *f = fopen(path, "r");

	if (!text || !f) {
		perror(path);
		exit(1);
	}
	text[fread(text, 1, LOG_SIZE - 1, f)] = '\0';
	fclose(f);
	return text;
}

/* The first line in which two texts differ. */
static void
first_difference(const char *wanted, const char *got, char *to, size_t size)
{
	size_t line = 1;
	size_t start = 0;

	for (size_t i = 0; wanted[i] && wanted[i] == got[i]; i++)
		if (wanted[i] == '\n') {
			line++;
			start = i + 1;
		}
	snprintf(to, size, "line %zu\n  wanted %.*s\n  got    %.*s", line,
		(int)strcspn(wanted + start, "\n"), wanted + start, (int)strcspn(got + start, "\n"),
		got + start);
}

static struct mta *
begin(struct peer *p, pthread_t *thread)
{
	p->log = calloc(1, LOG_SIZE);
	p->listener = listen_here();
	if (!p->log || pthread_create(thread, NULL, serve, p) != 0)
		abort();
	struct mta *m = mta_open(address, TIMEOUT_MS);
	if (!m) {
		perror(address);
		exit(1);
	}
	return m;
}

static void
end(struct peer *p, pthread_t thread, struct mta *m)
{
	mta_close(m);
	pthread_join(thread, NULL);
	close(p->listener);
}

static void
compare_recording(const char *folder, const char *name, struct peer *p)
{
	char path[512];
	char detail[4096];
	pthread_t thread;

	snprintf(path, sizeof path, "%s/%s.packets", folder, name);
	char *wanted = read_file(path);
	struct mta *m = begin(p, &thread);
	mta_negotiate(m, &mta_offer_postfix);
	hold_dialogue(m);
	end(p, thread, m);
	level_queue_ids(p->log);
	first_difference(wanted, p->log, detail, sizeof detail);
	snprintf(path, sizeof path, "packets as recorded from Postfix: %s", name);
	check(strcmp(wanted, p->log) == 0, path, detail);
	free(wanted);
	free(p->log);
}

static void
compare_recordings(const char *folder)
{
	static const char lists[] = "\0\0\0\0j {client_addr} {client_port} {client_ptr} "
				    "{daemon_port} {client_connections} "
				    "{client_name}\0"
				    "\0\0\0\2\0"
				    "\0\0\0\5";
	struct peer answers = {.steps = 0};
	struct peer with_lists = {.lists = lists, .lists_length = sizeof lists};
	struct peer off = {.steps = 0x3f3ff};
	struct peer no_reply = {.steps = 0xff080};

	compare_recording(folder, "answers", &answers);
	compare_recording(folder, "lists", &with_lists);
	compare_recording(folder, "noreply", &no_reply);
	compare_recording(folder, "off", &off);
}

/* --- answers to the end of message -------------------------------------------------------------
 */

#define BYTES(s) (s), sizeof(s) - 1

static const struct eom_row {
	const char *name;
	const char *bytes;
	size_t length;
	enum mta_status status;
	const char *text; /* NULL: any */
	size_t edits;
} eom_rows[] = {
	{"a filter that continues takes the message", BYTES("\0\0\0\1c"), MTA_CONTINUE, "", 0},
	{"progress is not an answer", BYTES("\0\0\0\1p\0\0\0\1p\0\0\0\1a"), MTA_ACCEPT, "", 0},
	{"a bare refusal has Postfix's words", BYTES("\0\0\0\1r"), MTA_REJECT,
		"550 5.7.1 Command rejected", 0},
	{"a reply of several lines", BYTES("\0\0\0\x1ey550-5.7.1 one\r\n550 5.7.1 two\0"),
		MTA_REJECT, "550-5.7.1 one\r\n550 5.7.1 two", 0},
	{"a doubled percent sign is one", BYTES("\0\0\0\x0fy451 4.3.0 5%%\0"), MTA_TEMPFAIL,
		"451 4.3.0 5%", 0},
	{"a single percent sign is a fault", BYTES("\0\0\0\x0fy451 4.3.0 5%x\0"), MTA_GARBLED, NULL,
		0},
	{"a class of status that is not the code's", BYTES("\0\0\0\x0dy451 5.3.0 x\0"), MTA_GARBLED,
		NULL, 0},
	{"a reply with a line break in it", BYTES("\0\0\0\x0fy451 4.3.0 a\nb\0"), MTA_GARBLED, NULL,
		0},
	{"a reply without its NUL", BYTES("\0\0\0\x0cy451 4.3.0 x"), MTA_GARBLED, NULL, 0},
	{"a header is added", BYTES("\0\0\0\5hX\0y\0\0\0\0\1c"), MTA_CONTINUE, "", 1},
	{"a header name with a colon", BYTES("\0\0\0\6hX:\0y\0\0\0\0\1c"), MTA_GARBLED, NULL, 0},
	{"a header value that ends the header section", BYTES("\0\0\0\7hX\0y\nz\0\0\0\0\1c"),
		MTA_GARBLED, NULL, 0},
	{"a folded header value", BYTES("\0\0\0\x08hX\0y\n z\0\0\0\0\1c"), MTA_CONTINUE, "", 1},
	{"an index cut short", BYTES("\0\0\0\3i\0\0\0\0\0\1c"), MTA_GARBLED, NULL, 0},
	{"body chunks in a row are one edit", BYTES("\0\0\0\3bab\0\0\0\3bcd\0\0\0\1c"),
		MTA_CONTINUE, "", 1},
	{"two answers", BYTES("\0\0\0\1c\0\0\0\1c"), MTA_GARBLED, NULL, 0},
	{"an answer that does not exist", BYTES("\0\0\0\1Z"), MTA_GARBLED, NULL, 0},
	{"a packet of length 0", BYTES("\0\0\0\0"), MTA_GARBLED, NULL, 0},
	{"a packet beyond all measure", BYTES("\x7f\xff\xff\xff"), MTA_GARBLED, NULL, 0},
};

static void
try_eom(const struct eom_row *row)
{
	struct peer p = {.at_eom = row->bytes, .at_eom_length = row->length};
	char detail[512];
	pthread_t thread;
	size_t edits;
	struct mta *m = begin(&p, &thread);

	mta_negotiate(m, &mta_offer_postfix);
	mta_mail(m, WORDS("<a@example.org>"), 1);
	mta_rcpt(m, WORDS("<b@example.com>"), 1);
	mta_data(m);
	enum mta_status status = mta_eom(m);
	mta_edits(m, &edits);
	snprintf(detail, sizeof detail, "%s \"%s\" and %zu edits", mta_status_name(status),
		mta_text(m), edits);
	bool ok = status == row->status && edits == row->edits &&
		  (!row->text || strcmp(row->text, mta_text(m)) == 0);
	end(&p, thread, m);
	free(p.log);
	check(ok, row->name, detail);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: test_mta FOLDER-OF-RECORDINGS\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!temp_dir(directory, "test_mta")) {
		perror(directory);
		return 1;
	}
	compare_recordings(argv[1]);
	for (size_t i = 0; i < sizeof eom_rows / sizeof *eom_rows; i++)
		try_eom(&eom_rows[i]);
	unlink(address + strlen("unix:"));
	rmdir(directory);
	printf("%u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}
