/* SPDX-License-Identifier: MIT */
/*
 * mta.h - plays the MTA of the milter protocol, packet by packet as Postfix 3.7 does
 *
 * For tests and benchmarks. It knows what an MTA knows: what was negotiated, which macros go before
 * an event, which events are not sent, which get no reply, and what the SMTP client would be told.
 * It judges nothing: transcripts do that. Verified against a recording of Postfix 3.7.11
 * (test_mta.c).
 */
#ifndef TESTS_SMTP_MTA_H
#define TESTS_SMTP_MTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mta_stage {
	MTA_CONNECT,
	MTA_HELO,
	MTA_MAIL,
	MTA_RCPT,
	MTA_DATA,
	MTA_HEADER,
	MTA_EOH,
	MTA_BODY,
	MTA_EOM,
	MTA_UNKNOWN,
};
#define MTA_STAGES 10

/* Lists of macros a filter can ask for: connect helo mail rcpt data eom eoh, numbered as SMFIM_*.
 */
#define MTA_LISTS 7

/* What the filter answered. From MTA_REJECT on mail was refused; from MTA_CLOSED on the session is
 * over. */
enum mta_status {
	MTA_NONE, /* no reply was agreed on, or the event was not to be sent */
	MTA_CONTINUE,
	MTA_SKIP,
	MTA_ACCEPT, /* now, or earlier for this message or connection */
	MTA_DISCARD,
	MTA_NEGOTIATED,
	MTA_REJECT,
	MTA_TEMPFAIL,
	MTA_SHUTDOWN,
	MTA_CLOSED,
	MTA_TIMEOUT,
	MTA_GARBLED, /* an answer that breaks the protocol; mta_text says how */
};

struct mta_offer {
	uint32_t version;
	uint32_t actions;
	uint32_t steps;
};

/* What Postfix 3.7 offers. */
extern const struct mta_offer mta_offer_postfix;

/* What the filter agreed to; a list it did not ask for is NULL. */
struct mta_terms {
	uint32_t version;
	uint32_t actions;
	uint32_t steps;
	char *lists[MTA_LISTS];
};

enum mta_edit_kind {
	MTA_ADD_HEADER,
	MTA_ADD_RCPT,
	MTA_CHANGE_FROM,
	MTA_CHANGE_HEADER,
	MTA_DROP_RCPT,
	MTA_INSERT_HEADER,
	MTA_QUARANTINE,
	MTA_REPLACE_BODY,
};

/* A change the filter asked for at end of message: name is a header name or an address, value the
 * rest. */
struct mta_edit {
	enum mta_edit_kind kind;
	uint32_t index;
	char *name;
	char *value; /* MTA_REPLACE_BODY: not a string, `length` bytes */
	size_t length;
};

struct mta;

/* Connects; NULL and errno when nobody listens. The timeout bounds every single wait. */
struct mta *mta_open(const char *address, int timeout_ms);

/* Closes the socket without a word, as an MTA that died; queued bytes leave before. Accepts NULL.
 */
void mta_close(struct mta *m);

/* Option negotiation; MTA_NEGOTIATED, or what went wrong. */
enum mta_status mta_negotiate(struct mta *m, const struct mta_offer *offer);
const struct mta_terms *mta_terms(const struct mta *m);

/* Sets a macro for the rest of the connection, over what the client sets by itself. NULL or "": the
 * MTA has none. */
void mta_macro(struct mta *m, const char *name, const char *value);
/* The same over those, until all that were set so are forgotten. */
void mta_brief_macro(struct mta *m, const char *name, const char *value);
void mta_forget_brief_macros(struct mta *m);

/* The SMTP dialogue. Address "unknown" and unix:PATH are sent as their own families, others as IPv4
 * or IPv6. */
enum mta_status mta_connect(struct mta *m, const char *name, const char *address, uint16_t port);
enum mta_status mta_helo(struct mta *m, const char *name);
enum mta_status mta_mail(struct mta *m, const char *const *words, size_t count);
enum mta_status mta_rcpt(struct mta *m, const char *const *words, size_t count);
enum mta_status mta_data(struct mta *m);
enum mta_status mta_unknown(struct mta *m, const char *command);

/* Message content. The value is all that follows the colon. Body bytes are gathered into chunks as
 * Postfix does. A refusal here ends the message: what follows is not sent, and mta_eom answers with
 * it, for only then the SMTP client hears it. */
enum mta_status mta_header(struct mta *m, const char *name, const char *value);
enum mta_status mta_eoh(struct mta *m);
enum mta_status mta_body(struct mta *m, const void *bytes, size_t length);
enum mta_status mta_eom(struct mta *m);

void mta_abort(struct mta *m);
/* Sends what waits for a reason to be sent. */
void mta_flush(struct mta *m);
void mta_quit(struct mta *m);
/* The same, and returns when the filter has hung up, too: it gave back what the session held. No
 * MTA waits for that; but neither ABORT nor QUIT is answered, and what is played next on another
 * connection must not come before them. */
void mta_quit_and_wait(struct mta *m);
/* QUIT_NC: the connection serves another SMTP session, which begins with mta_connect. */
void mta_quit_nc(struct mta *m);

/* For what no MTA says. mta_listen reads one answer; timeout_ms 0 means the usual one. */
void mta_raw(struct mta *m, const void *bytes, size_t length);
void mta_packet(struct mta *m, char command, const void *bytes, size_t length);
enum mta_status mta_listen(struct mta *m, int timeout_ms);

/* True when the filter said something that nobody asked for, or closed. */
bool mta_unasked(struct mta *m);

/* The reply the SMTP client gets for the last answer ("550 5.7.1 text"), or a complaint; "" when
 * there is none. */
const char *mta_text(const struct mta *m);

/* Edits of the last end of message, in the order they came. */
const struct mta_edit *mta_edits(const struct mta *m, size_t *count);
size_t mta_progress_count(const struct mta *m);
/* Packets of the body sent for the last message. */
size_t mta_body_count(const struct mta *m);

const char *mta_status_name(enum mta_status status);
const char *mta_stage_name(enum mta_stage stage);

#endif
