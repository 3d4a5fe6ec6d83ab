/* SPDX-License-Identifier: MIT */
/*
 * milter_native.c - one connection of an MTA in the native engine: commands in, packets out
 *
 * One row per command: when it may come, what stands behind it, who handles it. A command out of
 * order or misshapen ends the connection and says so, for an MTA that is answered nothing waits
 * until its own timeout. But never for what an SMTP client can say, or its mail would pass without
 * a filter where the MTA is told to go on without one: a client may go on with a message that was
 * refused at DATA. HELO and MAIL end an open message, as RSET does (RFC 5321 section 4.1.4).
 */
#include "milter_native.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <sched.h>
#include <string.h>

#include "base/log_limit.h"
#include "host/generation.h"
#include "mail/address.h"
#include "milter_answer.h"
#include "milter_encode.h"

#define VERSION_LEAST 2u

/* Where a connection is; a state is one bit. */
#define IS_NEW	  (1u << 0)
#define IS_READY  (1u << 1) /* negotiated, no client */
#define IS_IDLE	  (1u << 2) /* a client, no message */
#define IS_MAIL	  (1u << 3)
#define IS_RCPT	  (1u << 4)
#define IS_HEADER (1u << 5) /* behind DATA */
#define IS_BODY	  (1u << 6) /* behind the header section */

#define AFTER_CONNECT (IS_IDLE | IS_MAIL | IS_RCPT | IS_HEADER | IS_BODY)
#define AFTER_OFFER   (IS_READY | AFTER_CONNECT)
#define ANY_TIME      (IS_NEW | AFTER_OFFER)

/* Length and command of a packet; octets of an offer, with what later versions may add. */
#define HEAD	  4u
#define OFFER_MAX ((size_t)1024)
/* What a header packet that is too large is cut to: enough for its name. */
#define HEADER_KEPT 4096u

void
milter_native_init(struct milter_native *n, const char *listener)
{
	memset(n, 0, sizeof(*n));
	n->listener = listener;
	n->state = IS_NEW;
}

void
milter_native_fini(struct milter_native *n)
{
	conversation_close(&n->conversation);
}

/* --- mistakes of MTAs --- */

/* One line for many: whoever reaches the socket could fill the log. Always false. */
static bool
complain(const struct milter_native *n, const char *name, const char *what)
{
	static struct log_limit limit = LOG_LIMIT(5, CLOCK_SEC);

	log_limited(&limit, LOG_LEVEL_WARN, "listener %s: %s%s %s; connection closed", n->listener,
		n->state == IS_NEW ? "no MTA: " : "the MTA's ", name, what);
	return false;
}

/* --- negotiation --- */

static bool
on_offer(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	struct conversation *c = &n->conversation;
	struct milter_terms terms;

	if (a->version < VERSION_LEAST)
		return complain(n, "OPTNEG", "offers a version before 2");
	conversation_open(c, n->listener);
	c->live = true;
	milter_negotiate(&c->generation->needs, &a->offer, &terms);
	c->session->rights = terms.rights;
	c->session->no_reply = terms.no_reply;
	n->skip = terms.skip;
	n->rejected = terms.rejected;
	c->session->blanks = terms.blanks;
	c->session->macros_asked = terms.ask_macros;
	milter_encode_terms(out, a->version, &terms, &c->generation->needs);
	conversation_begin(c);
	n->state = IS_READY;
	return true;
}

/* --- events --- */

static void
end_message(struct milter_native *n)
{
	conversation_end_message(&n->conversation);
	n->state = IS_IDLE;
}

/* Shows the event to the chain and answers the MTA. */
static void
deliver(struct milter_native *n, const struct cm_event *ev, struct buf *out)
{
	struct cm_session *s = n->conversation.session;
	struct answer answer;
	enum milter_status status;

	conversation_event(&n->conversation, ev, &answer);
	if (ev->stage == CM_STAGE_EOM)
		milter_encode_edits(out, &answer, n->conversation.session->blanks);
	status = milter_status_of(s, ev->stage, &answer, n->skip);
	milter_encode_status(out, status, &answer.reply);
	if (milter_ends_message(ev->stage, status))
		end_message(n);
}

static bool
on_connect(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	const struct cm_event ev = {.stage = CM_STAGE_CONNECT, .name = a->text};

	n->state = IS_IDLE;
	session_set_client(
		n->conversation.session, a->text, a->known ? &a->address : NULL, a->port);
	deliver(n, &ev, out);
	return true;
}

static bool
on_helo(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	const struct cm_event ev = {.stage = CM_STAGE_HELO, .name = a->text};

	n->state = IS_IDLE;
	deliver(n, &ev, out);
	return true;
}

static bool
deliver_path(struct milter_native *n, enum cm_stage stage, struct milter_args *a, struct buf *out)
{
	const struct cm_session *s = n->conversation.session;
	struct cm_address address;
	const struct cm_event ev = {
		.stage = stage,
		.address = &address,
		.args = a->parameters,
		.rejected = stage == CM_STAGE_RCPT && milter_rejected(s, n->rejected),
	};
	struct arena scratch;

	arena_init(&scratch, strlen(a->text) * 4 + 256);
	address_parse_path(&address, &scratch, a->text);
	deliver(n, &ev, out);
	arena_fini(&scratch);
	return true;
}

static bool
on_mail(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	n->state = IS_MAIL;
	return deliver_path(n, CM_STAGE_MAIL, a, out);
}

static bool
on_rcpt(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	n->state = IS_RCPT;
	return deliver_path(n, CM_STAGE_RCPT, a, out);
}

static bool
on_data(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	const struct cm_event ev = {.stage = CM_STAGE_DATA};

	(void)a;
	n->state = IS_HEADER;
	deliver(n, &ev, out);
	return true;
}

static bool
on_header(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	bool blanks = n->conversation.session->blanks;
	const struct cm_event ev = milter_field(blanks, a->text, a->value);

	n->state = IS_HEADER;
	deliver(n, &ev, out);
	return true;
}

static bool
on_eoh(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	const struct cm_event ev = {.stage = CM_STAGE_EOH};

	(void)a;
	n->state = IS_BODY;
	deliver(n, &ev, out);
	return true;
}

static void
deliver_body(struct milter_native *n, const struct milter_args *a, struct buf *out)
{
	const struct cm_event ev = {
		.stage = CM_STAGE_BODY,
		.data = (const unsigned char *)a->data,
		.len = a->len,
	};

	n->state = IS_BODY;
	deliver(n, &ev, out);
}

static bool
on_body(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	deliver_body(n, a, out);
	return true;
}

/*
 * The protocol lets the last piece of the body come with it, without an answer of its own. True:
 * that piece ended the message, and its answer is the one.
 */
static bool
ends_with_last_piece(struct milter_native *n, const struct milter_args *a, struct buf *out)
{
	struct buf answer;
	bool ended;

	if (a->len == 0)
		return false;
	buf_init(&answer, 0);
	deliver_body(n, a, &answer);
	ended = n->state == IS_IDLE;
	if (ended)
		buf_add(out, answer.data, answer.len);
	buf_fini(&answer);
	return ended;
}

/* While the chain is at it, another thread may tell the MTA so. */
static bool
on_eom(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	const struct cm_event ev = {.stage = CM_STAGE_EOM};

	atomic_store(&n->may_progress, true);
	if (!ends_with_last_piece(n, a, out))
		deliver(n, &ev, out);
	while (!atomic_exchange(&n->may_progress, false))
		sched_yield();
	return true;
}

static bool
on_unknown(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	const struct cm_event ev = {.stage = CM_STAGE_UNKNOWN, .name = a->text};
	unsigned state = n->state;

	deliver(n, &ev, out);
	n->state = state;
	return true;
}

/* --- macros, ends --- */

/* The stage whose command it is; CM_STAGE_COUNT: none that has macros. */
static enum cm_stage
stage_of(unsigned char command)
{
	static const struct {
		unsigned char command;
		enum cm_stage stage;
	} rows[] = {
		{SMFIC_CONNECT, CM_STAGE_CONNECT},
		{SMFIC_HELO, CM_STAGE_HELO},
		{SMFIC_MAIL, CM_STAGE_MAIL},
		{SMFIC_RCPT, CM_STAGE_RCPT},
		{SMFIC_DATA, CM_STAGE_DATA},
		{SMFIC_EOH, CM_STAGE_EOH},
		{SMFIC_BODYEOB, CM_STAGE_EOM},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].command == command)
			return rows[i].stage;
	}
	return CM_STAGE_COUNT;
}

/* Sets for other commands are legal and say nothing that a link could ask for. */
static bool
on_macros(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	struct cm_session *s = n->conversation.session;
	enum cm_stage stage = stage_of(a->command);
	const char *name;

	(void)out;
	if (stage == CM_STAGE_COUNT)
		return true;
	session_macros_begin(s, stage);
	while ((name = milter_next_text(&a->data, &a->len)) != NULL)
		session_macro_add(s, stage, name, milter_next_text(&a->data, &a->len));
	return true;
}

static bool
on_abort(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	(void)a;
	(void)out;
	if ((n->state & AFTER_CONNECT) != 0)
		end_message(n);
	return true;
}

/* The MTA keeps the connection, and what was negotiated, for its next client. */
static bool
on_quit_nc(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	(void)a;
	(void)out;
	conversation_again(&n->conversation);
	n->state = IS_READY;
	return true;
}

static bool
on_quit(struct milter_native *n, struct milter_args *a, struct buf *out)
{
	(void)n;
	(void)a;
	(void)out;
	return false;
}

/* --- the table --- */

static const struct command {
	unsigned char command;
	const char *name;
	unsigned states; /* in which it may come */
	enum milter_shape shape;
	bool (*run)(struct milter_native *, struct milter_args *, struct buf *out);
} commands[] = {
	{SMFIC_ABORT, "ABORT", AFTER_OFFER, MILTER_NOTHING, on_abort},
	{SMFIC_BODY, "BODY", IS_RCPT | IS_HEADER | IS_BODY, MILTER_OCTETS, on_body},
	{SMFIC_CONNECT, "CONNECT", IS_READY, MILTER_CLIENT, on_connect},
	{SMFIC_MACRO, "MACRO", AFTER_OFFER, MILTER_MACRO_SET, on_macros},
	{SMFIC_BODYEOB, "BODYEOB", IS_RCPT | IS_HEADER | IS_BODY, MILTER_OCTETS, on_eom},
	{SMFIC_HELO, "HELO", AFTER_CONNECT, MILTER_TEXT, on_helo},
	{SMFIC_QUIT_NC, "QUIT_NC", AFTER_OFFER, MILTER_NOTHING, on_quit_nc},
	{SMFIC_HEADER, "HEADER", IS_RCPT | IS_HEADER, MILTER_PAIR, on_header},
	{SMFIC_MAIL, "MAIL", AFTER_CONNECT, MILTER_PATH, on_mail},
	{SMFIC_EOH, "EOH", IS_RCPT | IS_HEADER, MILTER_NOTHING, on_eoh},
	{SMFIC_OPTNEG, "OPTNEG", IS_NEW, MILTER_OFFER, on_offer},
	{SMFIC_QUIT, "QUIT", ANY_TIME, MILTER_NOTHING, on_quit},
	{SMFIC_RCPT, "RCPT", IS_IDLE | IS_MAIL | IS_RCPT, MILTER_PATH, on_rcpt},
	{SMFIC_DATA, "DATA", IS_IDLE | IS_RCPT, MILTER_NOTHING, on_data},
	{SMFIC_UNKNOWN, "UNKNOWN", AFTER_CONNECT, MILTER_TEXT, on_unknown},
};

static const struct command *
find_command(unsigned char byte)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (commands[i].command == byte)
			return &commands[i];
	}
	return NULL;
}

/* --- packets --- */

static const char *
when_wrong(const struct milter_native *n)
{
	if (n->state == IS_NEW)
		return "came before the negotiation";
	return n->state == IS_READY ? "came before CONNECT" : "is out of order";
}

static bool
run_packet(struct milter_native *n, const struct milter_packet *p, struct buf *out)
{
	const struct command *c = find_command(p->command);
	struct milter_args args;
	const char *mistake;

	if (c == NULL)
		return complain(n, "command", "is not known");
	if ((c->states & n->state) == 0)
		return complain(n, c->name, when_wrong(n));
	mistake = milter_decode(&args, c->shape, p->data, p->len);
	if (mistake != NULL)
		return complain(n, c->name, mistake);
	return c->run(n, &args, out);
}

/* Who did not negotiate yet has little to say. */
static size_t
packet_max(const struct milter_native *n)
{
	return n->state == IS_NEW ? OFFER_MAX : MILTER_PACKET_MAX;
}

/* Of a packet that is not whole: nobody waits for the rest of what may not come. */
static bool
may_come(const struct milter_native *n, const struct milter_packet *p)
{
	const struct command *c = find_command(p->command);

	if (c == NULL)
		return complain(n, "command", "is not known");
	return (c->states & n->state) != 0 || complain(n, c->name, when_wrong(n));
}

/* A header field in its place. */
static bool
may_be_cut(const struct milter_native *n, const struct milter_packet *p)
{
	const struct command *c = find_command(p->command);

	return c != NULL && c->run == on_header && (c->states & n->state) != 0;
}

/* The field is shown as far as it was kept, and is over whatever limit there is. */
static bool
run_large(struct milter_native *n, const struct milter_packet *p, struct buf *out)
{
	const struct command *c = find_command(p->command);
	size_t len = p->len < HEADER_KEPT ? p->len : HEADER_KEPT;
	const char *name_end = memchr(p->data, '\0', len);
	char kept[HEADER_KEPT + 1];
	struct milter_args args = {0};

	if (!may_be_cut(n, p) || name_end == NULL)
		return complain(n, c == NULL ? "command" : c->name, "is too large");
	memcpy(kept, p->data, len);
	kept[len] = '\0';
	args.text = kept;
	args.value = kept + (name_end - p->data) + 1;
	session_fill_header(n->conversation.session);
	return on_header(n, &args, out);
}

bool
milter_native_feed(struct milter_native *n, const char *bytes, size_t len, struct buf *out,
	size_t *used, size_t *skip)
{
	struct milter_packet p;

	*used = *skip = 0;
	for (;;) {
		const char *rest = bytes + *used;
		size_t left = len - *used;
		enum milter_framing framing = milter_frame(&p, rest, left, packet_max(n));

		if (framing == MILTER_PART)
			return left <= HEAD || may_come(n, &p);
		if (framing == MILTER_BROKEN)
			return complain(n, "packet", "has no command");
		if (framing == MILTER_LARGE && left < HEADER_KEPT && may_be_cut(n, &p))
			return true;
		bool on = framing == MILTER_PACKET ? run_packet(n, &p, out) : run_large(n, &p, out);

		*skip = p.size > left ? p.size - left : 0;
		*used += p.size > left ? left : p.size;
		if (!on || *skip > 0)
			return on;
	}
}
