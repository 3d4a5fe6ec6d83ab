/* SPDX-License-Identifier: MIT */
/*
 * mta.c - plays the MTA of the milter protocol, packet by packet as Postfix 3.7 does
 *
 * The order of things here was taken from a recording of Postfix 3.7.11: macros go out even before
 * an event that is switched off (not so for content), the queue id is known from the second
 * recipient on, every message ends with ABORT, and an empty macro list means the default one.
 */
#include "mta_inside.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_NAME "mx.example.com"
#define NO_LIST	  (-1)

/* `content`: Postfix sends not even the macros when the stage is off. */
static const struct stage_row {
	const char *name;
	char command;
	uint32_t off;
	uint32_t no_reply;
	int list;
	bool content;
} stages[MTA_STAGES] = {
	[MTA_CONNECT] = {"connect", SMFIC_CONNECT, SMFIP_NOCONNECT, SMFIP_NR_CONN, SMFIM_CONNECT,
		false},
	[MTA_HELO] = {"helo", SMFIC_HELO, SMFIP_NOHELO, SMFIP_NR_HELO, SMFIM_HELO, false},
	[MTA_MAIL] = {"mail", SMFIC_MAIL, SMFIP_NOMAIL, SMFIP_NR_MAIL, SMFIM_ENVFROM, false},
	[MTA_RCPT] = {"rcpt", SMFIC_RCPT, SMFIP_NORCPT, SMFIP_NR_RCPT, SMFIM_ENVRCPT, false},
	[MTA_DATA] = {"data", SMFIC_DATA, SMFIP_NODATA, SMFIP_NR_DATA, SMFIM_DATA, false},
	[MTA_HEADER] = {"header", SMFIC_HEADER, SMFIP_NOHDRS, SMFIP_NR_HDR, SMFIM_EOH, true},
	[MTA_EOH] = {"eoh", SMFIC_EOH, SMFIP_NOEOH, SMFIP_NR_EOH, SMFIM_EOH, true},
	[MTA_BODY] = {"body", SMFIC_BODY, SMFIP_NOBODY, SMFIP_NR_BODY, SMFIM_EOM, true},
	[MTA_EOM] = {"eom", SMFIC_BODYEOB, 0, 0, SMFIM_EOM, true},
	[MTA_UNKNOWN] = {"unknown", SMFIC_UNKNOWN, SMFIP_NOUNKNOWN, SMFIP_NR_UNKN, NO_LIST, false},
};

static const char *const default_lists[MTA_LISTS] = {
	[SMFIM_CONNECT] = "j {daemon_name} {daemon_addr} v _",
	[SMFIM_HELO] = "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
	[SMFIM_ENVFROM] =
		"i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
	[SMFIM_ENVRCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
	[SMFIM_DATA] = "i",
	[SMFIM_EOM] = "i",
	[SMFIM_EOH] = "i",
};

/* Macros that hold for every connection unless the test says otherwise. */
static const struct {
	const char *name;
	const char *value;
} constant_macros[] = {
	{"j", HOST_NAME},
	{"v", "Postfix 3.7.11"},
	{"client_connections", "0"},
	{"daemon_addr", "127.0.0.1"},
	{"daemon_name", HOST_NAME},
	{"daemon_port", "25"},
};

static const char *const status_names[] = {
	[MTA_NONE] = "none",
	[MTA_CONTINUE] = "continue",
	[MTA_SKIP] = "skip",
	[MTA_ACCEPT] = "accept",
	[MTA_DISCARD] = "discard",
	[MTA_NEGOTIATED] = "negotiated",
	[MTA_REJECT] = "reject",
	[MTA_TEMPFAIL] = "tempfail",
	[MTA_SHUTDOWN] = "shutdown",
	[MTA_CLOSED] = "close",
	[MTA_TIMEOUT] = "timeout",
	[MTA_GARBLED] = "garbled",
};

const char *
mta_status_name(enum mta_status status)
{
	return status_names[status];
}

const char *
mta_stage_name(enum mta_stage stage)
{
	return stages[stage].name;
}

struct mta *
mta_open(const char *address, int timeout_ms)
{
	struct mta *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->skipped = -1;
	m->body = malloc(MILTER_CHUNK_SIZE);
	if (!m->body || !wire_open(&m->wire, address, timeout_ms)) {
		int why = errno;

		free(m->body);
		free(m);
		errno = why;
		return NULL;
	}
	for (size_t i = 0; i < sizeof constant_macros / sizeof *constant_macros; i++)
		macro_set_put(&m->own, constant_macros[i].name, constant_macros[i].value);
	return m;
}

void
mta_close(struct mta *m)
{
	if (!m)
		return;
	(void)wire_flush(&m->wire);
	wire_close(&m->wire);
	answer_forget_edits(m);
	macro_set_fini(&m->brief);
	macro_set_fini(&m->given);
	macro_set_fini(&m->own);
	for (size_t i = 0; i < MTA_LISTS; i++)
		free(m->terms.lists[i]);
	free(m->body);
	free(m);
}

static void
put_macro(struct macro_set *set, const char *name, const char *value)
{
	if (!macro_set_put(set, name, value && *value ? value : NULL))
		fprintf(stderr, "too many macros, %s is lost\n", name);
}

void
mta_macro(struct mta *m, const char *name, const char *value)
{
	put_macro(&m->given, name, value);
}

void
mta_brief_macro(struct mta *m, const char *name, const char *value)
{
	put_macro(&m->brief, name, value);
}

void
mta_forget_brief_macros(struct mta *m)
{
	macro_set_fini(&m->brief);
}

static void
send_macros(struct mta *m, const struct stage_row *row)
{
	char bytes[16384];
	const char *asked = row->list == NO_LIST ? "" : m->terms.lists[row->list];

	if (row->list != NO_LIST && (!asked || !*asked))
		asked = default_lists[row->list];
	const struct macro_set *const sets[] = {&m->brief, &m->given, &m->own, NULL};
	size_t length = macro_list_write(asked, sets, bytes, sizeof bytes);
	const struct wire_part parts[] = {{&row->command, 1}, {bytes, length}};
	wire_add_packet(&m->wire, SMFIC_MACRO, parts, 2);
}

/* Takes note of an answer that ends more than its own event. */
static enum mta_status
settle(struct mta *m, enum mta_stage stage, enum mta_status status)
{
	if (status == MTA_SKIP)
		m->skipped = (int)stage;
	if (status < MTA_ACCEPT)
		return status;
	if (stage <= MTA_HELO && status == MTA_DISCARD)
		status = answer_garbled(m, "DISCARD is not allowed at %s", mta_stage_name(stage));
	if (stage <= MTA_HELO || status >= MTA_SHUTDOWN) {
		m->connection_end = status;
		wire_close(&m->wire);
	} else if (stage != MTA_EOM && stage != MTA_UNKNOWN &&
		   (stage != MTA_RCPT || status < MTA_REJECT)) {
		m->message_end = status;
	}
	return status;
}

/* Macros, event and answer, each as far as it was agreed on. */
static enum mta_status
send_event(struct mta *m, enum mta_stage stage, const struct wire_part *parts, size_t count)
{
	const struct stage_row *row = &stages[stage];

	if (m->connection_end != MTA_NONE)
		return m->connection_end;
	if (m->message_end != MTA_NONE && stage >= MTA_RCPT)
		return m->message_end;
	m->text[0] = '\0';
	if ((row->off & m->unspoken) != 0 || m->skipped == (int)stage)
		return MTA_NONE;
	m->skipped = -1;
	bool off = (row->off & m->terms.steps) != 0;
	if (!off || !row->content)
		send_macros(m, row);
	if (off)
		return MTA_NONE;
	wire_add_packet(&m->wire, row->command, parts, count);
	m->body_packets += stage == MTA_BODY;
	if ((row->no_reply & m->terms.steps) != 0)
		return MTA_NONE;
	return settle(m, stage, answer_read(m, stage, m->wire.timeout_ms));
}

static struct wire_part
string_part(const char *text)
{
	return (struct wire_part){text, strlen(text) + 1};
}

static enum mta_status
send_words(struct mta *m, enum mta_stage stage, const char *const *words, size_t count)
{
	struct wire_part parts[64];
	size_t n = 0;

	for (; n < count && n < sizeof parts / sizeof *parts; n++)
		parts[n] = string_part(words[n]);
	return send_event(m, stage, parts, n);
}

/* An answer of Postfix itself, which the filter never hears of. */
static enum mta_status
refuse(struct mta *m, const char *text)
{
	snprintf(m->text, sizeof m->text, "%s", text);
	return MTA_REJECT;
}

static void
end_message(struct mta *m)
{
	if (m->must_abort && m->connection_end == MTA_NONE)
		wire_add_packet(&m->wire, SMFIC_ABORT, NULL, 0);
	m->must_abort = m->in_mail = m->header_ended = false;
	m->message_end = MTA_NONE;
	m->recipients = 0;
	m->body_length = 0;
	macro_set_put(&m->own, "i", NULL);
}

static void
set_client_macros(struct mta *m, const char *name, const char *address, uint16_t port)
{
	char text[512];

	macro_set_put(&m->own, "client_addr", address);
	macro_set_put(&m->own, "client_name", name);
	macro_set_put(&m->own, "client_ptr", name);
	snprintf(text, sizeof text, "%u", port);
	macro_set_put(&m->own, "client_port", text);
	snprintf(text, sizeof text, "%.200s [%.200s]", name, address);
	macro_set_put(&m->own, "_", text);
}

enum mta_status
mta_connect(struct mta *m, const char *name, const char *address, uint16_t port)
{
	char literal[256];
	uint16_t wide = htons(port);
	char family = strchr(address, ':') ? SMFIA_INET6 : SMFIA_INET;

	set_client_macros(m, name, address, port);
	if (strcmp(name, "unknown") == 0 && strcmp(address, "unknown") != 0) {
		snprintf(literal, sizeof literal, "[%.200s]", address);
		name = literal;
	}
	if (strcmp(address, "unknown") == 0)
		family = SMFIA_UNKNOWN;
	if (strncmp(address, "unix:", 5) == 0) {
		family = SMFIA_UNIX;
		address += 5;
	}
	const struct wire_part parts[] = {
		string_part(name), {&family, 1}, {&wide, sizeof wide}, string_part(address)};
	return send_event(m, MTA_CONNECT, parts, family == SMFIA_UNKNOWN ? 2 : 4);
}

enum mta_status
mta_helo(struct mta *m, const char *name)
{
	const struct wire_part part = string_part(name);
	enum mta_status status = send_event(m, MTA_HELO, &part, 1);

	/* A second HELO resets the session (RFC 5321 section 4.1.4). */
	if (m->greeted)
		m->must_abort = true;
	end_message(m);
	m->greeted = true;
	return status;
}

/* Sets {PREFIX_addr}, {PREFIX_host} and {PREFIX_mailer} from "<local@host>". */
static void
set_address_macros(struct mta *m, const char *prefix, const char *word)
{
	char address[1024];
	char name[32];
	size_t length = strlen(word);
	bool angle = length >= 2 && word[0] == '<' && word[length - 1] == '>';

	snprintf(address, sizeof address, "%.*s", (int)(angle ? length - 2 : length), word + angle);
	const char *at = strrchr(address, '@');
	snprintf(name, sizeof name, "%s_addr", prefix);
	macro_set_put(&m->own, name, address);
	snprintf(name, sizeof name, "%s_host", prefix);
	macro_set_put(&m->own, name, at ? at + 1 : HOST_NAME);
	snprintf(name, sizeof name, "%s_mailer", prefix);
	macro_set_put(&m->own, name, "smtp");
}

enum mta_status
mta_mail(struct mta *m, const char *const *words, size_t count)
{
	end_message(m);
	if (m->connection_end != MTA_NONE)
		return m->connection_end;
	answer_forget_edits(m);
	m->in_mail = m->must_abort = true;
	m->body_packets = 0;
	set_address_macros(m, "mail", count ? words[0] : "");
	enum mta_status status = send_words(m, MTA_MAIL, words, count);
	if (status >= MTA_REJECT)
		end_message(m);
	return status;
}

/* The id of a queue file, which Postfix makes for the first recipient it takes. */
static void
open_queue_file(struct mta *m)
{
	char id[32];

	snprintf(id, sizeof id, "4X%08X", ++m->messages);
	macro_set_put(&m->own, "i", id);
}

enum mta_status
mta_rcpt(struct mta *m, const char *const *words, size_t count)
{
	if (m->connection_end == MTA_NONE && !m->in_mail)
		return refuse(m, "503 5.5.1 Error: need MAIL command");
	set_address_macros(m, "rcpt", count ? words[0] : "");
	enum mta_status status = send_words(m, MTA_RCPT, words, count);
	if (status < MTA_REJECT && m->recipients++ == 0)
		open_queue_file(m);
	return status;
}

enum mta_status
mta_data(struct mta *m)
{
	if (m->connection_end == MTA_NONE && m->recipients == 0)
		return refuse(m, m->in_mail ? "554 5.5.1 Error: no valid recipients"
					    : "503 5.5.1 Error: need RCPT command");
	return send_event(m, MTA_DATA, NULL, 0);
}

enum mta_status
mta_unknown(struct mta *m, const char *command)
{
	const struct wire_part part = string_part(command);

	return send_event(m, MTA_UNKNOWN, &part, 1);
}

enum mta_status
mta_header(struct mta *m, const char *name, const char *value)
{
	/* Sendmail eats one space, never a tab, unless the filter asked for it. */
	bool eat = (m->terms.steps & SMFIP_HDR_LEADSPC) == 0 && value[0] == ' ';
	const struct wire_part parts[] = {string_part(name), string_part(value + eat)};

	return send_event(m, MTA_HEADER, parts, 2);
}

enum mta_status
mta_eoh(struct mta *m)
{
	m->header_ended = true;
	return send_event(m, MTA_EOH, NULL, 0);
}

static enum mta_status
flush_body(struct mta *m)
{
	const struct wire_part part = {m->body, m->body_length};

	if (m->body_length == 0)
		return MTA_NONE;
	m->body_length = 0;
	return send_event(m, MTA_BODY, &part, 1);
}

enum mta_status
mta_body(struct mta *m, const void *bytes, size_t length)
{
	const unsigned char *from = bytes;
	enum mta_status status = m->header_ended ? m->message_end : mta_eoh(m);

	while (length > 0 && m->message_end == MTA_NONE && m->connection_end == MTA_NONE) {
		size_t room = MILTER_CHUNK_SIZE - m->body_length;
		size_t n = length < room ? length : room;

		memcpy(m->body + m->body_length, from, n);
		m->body_length += n;
		from += n;
		length -= n;
		if (m->body_length == MILTER_CHUNK_SIZE)
			status = flush_body(m);
	}
	return m->connection_end != MTA_NONE ? m->connection_end : status;
}

enum mta_status
mta_eom(struct mta *m)
{
	enum mta_status status = mta_body(m, NULL, 0);

	if (status < MTA_ACCEPT)
		status = flush_body(m);
	if (status < MTA_ACCEPT)
		status = send_event(m, MTA_EOM, NULL, 0);
	end_message(m);
	return status;
}

void
mta_abort(struct mta *m)
{
	end_message(m);
}

void
mta_flush(struct mta *m)
{
	(void)wire_flush(&m->wire);
}

static void
say_quit(struct mta *m)
{
	end_message(m);
	if (m->connection_end != MTA_NONE)
		return;
	wire_add_packet(&m->wire, SMFIC_ABORT, NULL, 0);
	wire_add_packet(&m->wire, SMFIC_QUIT, NULL, 0);
	(void)wire_flush(&m->wire);
}

static void
hang_up(struct mta *m)
{
	wire_close(&m->wire);
	m->connection_end = MTA_CLOSED;
}

void
mta_quit(struct mta *m)
{
	say_quit(m);
	hang_up(m);
}

void
mta_quit_and_wait(struct mta *m)
{
	bool open = m->connection_end == MTA_NONE;
	struct wire_packet packet;

	say_quit(m);
	while (open && wire_read(&m->wire, m->wire.timeout_ms, &packet) == WIRE_OK)
		;
	hang_up(m);
}

void
mta_quit_nc(struct mta *m)
{
	end_message(m);
	m->greeted = false;
	if (m->connection_end == MTA_NONE)
		wire_add_packet(&m->wire, SMFIC_QUIT_NC, NULL, 0);
}

void
mta_raw(struct mta *m, const void *bytes, size_t length)
{
	wire_add(&m->wire, bytes, length);
	(void)wire_flush(&m->wire);
}

void
mta_packet(struct mta *m, char command, const void *bytes, size_t length)
{
	const struct wire_part part = {bytes, length};

	wire_add_packet(&m->wire, command, &part, 1);
	(void)wire_flush(&m->wire);
}

enum mta_status
mta_listen(struct mta *m, int timeout_ms)
{
	return answer_read(m, MTA_EOM, timeout_ms ? timeout_ms : m->wire.timeout_ms);
}

bool
mta_unasked(struct mta *m)
{
	(void)wire_flush(&m->wire);
	return m->connection_end == MTA_NONE && wire_pending(&m->wire);
}

const char *
mta_text(const struct mta *m)
{
	return m->text;
}

const struct mta_edit *
mta_edits(const struct mta *m, size_t *count)
{
	*count = m->edit_count;
	return m->edits;
}

size_t
mta_progress_count(const struct mta *m)
{
	return m->progress;
}

size_t
mta_body_count(const struct mta *m)
{
	return m->body_packets;
}
