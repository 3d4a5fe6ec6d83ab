/* SPDX-License-Identifier: MIT */
/*
 * milter_libmilter.c - the milter door with libmilter as its engine
 *
 * Callbacks become events of a conversation, answers become statuses. Which callbacks libmilter
 * leaves out (no abort after a refusal, a close without connect) is why every end here may come
 * twice or not at all. Strings that it hands out die when the callback returns.
 */
#include "milter_libmilter.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "conversation.h"
#include "host/generation.h"
#include "mail/address.h"
#include "milter_answer.h"
#include "milter_engine.h"
#include "milter_negotiate.h"

/* Larger packets end the session; header fields may be long. */
#define PACKET_MAX ((size_t)1 << 20)
#define BACKLOG	   1024
#define SCRATCH	   512
/* How long libmilter may take to start, in steps of START_STEP_US. */
#define START_STEPS   1000
#define START_STEP_US 5000

/* What libmilter keeps for us beside its session. */
struct peer {
	struct conversation conversation;
	struct arena scratch; /* the address of the event at hand */
	bool skip;	      /* the MTA understands SKIP */
	bool rejected;	      /* and sends recipients that it refused, too */
};

/* libmilter serves one listener per process, so this is it. */
static struct {
	const struct milter_listener *listener;
	atomic_bool ended;
} engine;

/* --- the session --- */

static void
free_peer(SMFICTX *ctx)
{
	struct peer *peer = smfi_getpriv(ctx);

	if (peer == NULL)
		return;
	smfi_setpriv(ctx, NULL);
	conversation_close(&peer->conversation);
	arena_fini(&peer->scratch);
	free(peer);
}

static bool
ask_macros(SMFICTX *ctx, const struct chain_needs *needs)
{
	char text[MILTER_LIST_SIZE];

	for (int list = 0; list < MILTER_LISTS; list++) {
		if (!milter_macro_list(needs, list, text) ||
			smfi_setsymlist(ctx, list, text) != MI_SUCCESS)
			return false;
	}
	return true;
}

/*
 * libmilter passes an unknown command without its NUL, so no callback is registered for it, and the
 * MTA is asked not to send any.
 */
static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2,
	unsigned long f3, unsigned long *want_actions, unsigned long *want_steps,
	unsigned long *want_f2, unsigned long *want_f3)
{
	const struct milter_offer offer = {actions, steps};
	struct peer *peer = mem_zalloc(1, sizeof(*peer));
	struct conversation *c = &peer->conversation;
	struct milter_terms terms;

	(void)f2;
	(void)f3;
	free_peer(ctx);
	arena_init(&peer->scratch, SCRATCH);
	conversation_open(c, engine.listener->name);
	c->live = true;
	milter_negotiate(&c->generation->needs, &offer, &terms);
	c->session->rights = terms.rights;
	c->session->no_reply = terms.no_reply;
	c->session->macros_asked = terms.ask_macros && ask_macros(ctx, &c->generation->needs);
	peer->skip = terms.skip;
	peer->rejected = terms.rejected;
	c->session->blanks = terms.blanks;
	smfi_setpriv(ctx, peer);
	conversation_begin(c);
	*want_actions = terms.actions;
	*want_steps = terms.steps | (steps & SMFIP_NOUNKNOWN);
	*want_f2 = 0;
	*want_f3 = 0;
	return SMFIS_CONTINUE;
}

/*
 * Looked up by the names we asked for alone. An odd list makes libmilter read behind it, and
 * nothing here can keep it from that: only an MTA may reach the socket.
 */
static void
copy_macros(SMFICTX *ctx, struct conversation *c, enum cm_stage stage)
{
	const char *const *names = c->generation->needs.macros[stage];

	if (stages[stage].macro_list == STAGE_NO_MACROS)
		return;
	session_macros_begin(c->session, stage);
	for (; names != NULL && *names != NULL; names++) {
		const char *value = smfi_getsymval(ctx, (char *)*names);

		if (value != NULL)
			session_macro_add(c->session, stage, *names, value);
	}
}

/* --- answers --- */

static const sfsistat statuses[] = {
	[MILTER_CONTINUE] = SMFIS_CONTINUE,
	[MILTER_ACCEPT] = SMFIS_ACCEPT,
	[MILTER_DISCARD] = SMFIS_DISCARD,
	[MILTER_REJECT] = SMFIS_REJECT,
	[MILTER_TEMPFAIL] = SMFIS_TEMPFAIL,
	[MILTER_SKIP] = SMFIS_SKIP,
	[MILTER_NO_REPLY] = SMFIS_NOREPLY,
};

/* A message of which some edits were lost is not delivered: the MTA drops the others with it. */
static void
edit_message(SMFICTX *ctx, struct cm_session *s, struct answer *answer)
{
	struct err err;

	if (libmilter_edit(ctx, s, answer, &err))
		return;
	log_write(LOG_LEVEL_ERROR, "%s %s; the message is refused for now", s->id, err.text);
	chain_undo(s, answer, err.text);
}

/* Without negotiation (a connection reused after QUIT_NC) nothing can be judged nor edited. */
static sfsistat
deliver(SMFICTX *ctx, const struct cm_event *ev)
{
	struct peer *peer = smfi_getpriv(ctx);
	struct answer answer;

	if (peer == NULL)
		return SMFIS_TEMPFAIL;
	copy_macros(ctx, &peer->conversation, ev->stage);
	struct cm_event told = *ev;

	told.rejected = ev->stage == CM_STAGE_RCPT &&
			milter_rejected(peer->conversation.session, peer->rejected);
	conversation_event(&peer->conversation, &told, &answer);
	if (ev->stage == CM_STAGE_EOM)
		edit_message(ctx, peer->conversation.session, &answer);
	enum milter_status status =
		milter_status_of(peer->conversation.session, ev->stage, &answer, peer->skip);

	if (status == MILTER_REJECT || status == MILTER_TEMPFAIL)
		libmilter_reply(ctx, &answer.reply);
	if (milter_ends_message(ev->stage, status))
		conversation_end_message(&peer->conversation);
	return statuses[status];
}

/* --- callbacks --- */

/* False for a client without an address: local, or not known to the MTA. */
static bool
client_address(const struct sockaddr *from, struct net_addr *out, unsigned *port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;

	*port = 0;
	if (from == NULL || !net_from_sockaddr(out, from))
		return false;
	*port = ntohs(from->sa_family == AF_INET ? v4->sin_port : v6->sin6_port);
	return true;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, struct sockaddr *from)
{
	const struct cm_event ev = {.stage = CM_STAGE_CONNECT, .name = name};
	struct peer *peer = smfi_getpriv(ctx);
	struct net_addr address;
	unsigned port;

	if (peer == NULL) {
		log_write(LOG_LEVEL_ERROR,
			"listener %s: the MTA reuses a connection without negotiating again; its "
			"mail is refused for now",
			engine.listener->name);
		return SMFIS_TEMPFAIL;
	}
	bool known = client_address(from, &address, &port);

	session_set_client(peer->conversation.session, name, known ? &address : NULL, port);
	return deliver(ctx, &ev);
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	const struct cm_event ev = {.stage = CM_STAGE_HELO, .name = name};

	return deliver(ctx, &ev);
}

static sfsistat
deliver_path(SMFICTX *ctx, enum cm_stage stage, char **argv)
{
	struct peer *peer = smfi_getpriv(ctx);
	struct cm_address address;
	const struct cm_event ev = {
		.stage = stage,
		.address = &address,
		.args = (const char *const *)(argv + 1),
	};

	if (peer == NULL)
		return SMFIS_TEMPFAIL;
	address_parse_path(&address, &peer->scratch, argv[0]);
	sfsistat status = deliver(ctx, &ev);

	arena_reset(&peer->scratch);
	return status;
}

static sfsistat
on_mail(SMFICTX *ctx, char **argv)
{
	return deliver_path(ctx, CM_STAGE_MAIL, argv);
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	return deliver_path(ctx, CM_STAGE_RCPT, argv);
}

static sfsistat
on_data(SMFICTX *ctx)
{
	const struct cm_event ev = {.stage = CM_STAGE_DATA};

	return deliver(ctx, &ev);
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct peer *peer = smfi_getpriv(ctx);
	bool blanks = peer != NULL && peer->conversation.session->blanks;
	const struct cm_event ev = milter_field(blanks, name, value);

	return deliver(ctx, &ev);
}

static sfsistat
on_eoh(SMFICTX *ctx)
{
	const struct cm_event ev = {.stage = CM_STAGE_EOH};

	return deliver(ctx, &ev);
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
	const struct cm_event ev = {.stage = CM_STAGE_BODY, .data = data, .len = len};

	return deliver(ctx, &ev);
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	const struct cm_event ev = {.stage = CM_STAGE_EOM};

	return deliver(ctx, &ev);
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct peer *peer = smfi_getpriv(ctx);

	if (peer != NULL)
		conversation_end_message(&peer->conversation);
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	free_peer(ctx);
	return SMFIS_CONTINUE;
}

/* --- the engine --- */

static const struct smfiDesc description = {
	.xxfi_name = "chainmail",
	.xxfi_version = SMFI_VERSION,
	.xxfi_negotiate = on_negotiate,
	.xxfi_connect = on_connect,
	.xxfi_helo = on_helo,
	.xxfi_envfrom = on_mail,
	.xxfi_envrcpt = on_rcpt,
	.xxfi_data = on_data,
	.xxfi_header = on_header,
	.xxfi_eoh = on_eoh,
	.xxfi_body = on_body,
	.xxfi_eom = on_eom,
	.xxfi_abort = on_abort,
	.xxfi_close = on_close,
};

/* libmilter takes an open socket as "fd:N" and owns the descriptor from then on. */
static bool
hand_over(struct milter_socket *s, struct err *err)
{
	char address[32];

	snprintf(address, sizeof(address), "fd:%d", s->fd);
	if (smfi_register(description) != MI_SUCCESS || smfi_setconn(address) != MI_SUCCESS)
		return err_set(err, "libmilter does not take this filter");
	smfi_setbacklog(BACKLOG);
	smfi_setmaxdatasize(PACKET_MAX);
	if (smfi_opensocket(false) != MI_SUCCESS)
		return err_set(err,
			"this libmilter cannot serve an open socket (fd: addresses; Debian's and "
			"Fedora's can)");
	s->fd = -1;
	return true;
}

static bool
add(struct milter_listener *l, struct err *err)
{
	if (engine.listener != NULL)
		return err_set(err,
			"listener %s: libmilter serves one listener, and that is %s; take "
			"engine = native",
			l->name, engine.listener->name);
	if (!hand_over(&l->socket, err))
		return false;
	engine.listener = l;
	return true;
}

static void *
run_engine(void *unused)
{
	(void)unused;
	smfi_main();
	atomic_store(&engine.ended, true);
	return NULL;
}

/* A chain with a hook for unknown commands gets none from this engine. */
static void
say_unknown(void)
{
	struct generation *g = generation_hold();

	if ((g->needs.stages & (UINT32_C(1) << CM_STAGE_UNKNOWN)) != 0)
		log_write(LOG_LEVEL_WARN,
			"listener %s: libmilter cannot hand over unknown commands; hooks for them "
			"are not called",
			engine.listener->name);
	generation_drop(g);
}

static bool
failed(void)
{
	return atomic_load(&engine.ended);
}

/* Threads are as libmilter makes them. */
static bool
start(unsigned threads, unsigned most, struct err *err)
{
	pthread_t thread;
	int problem;

	(void)threads;
	(void)most;
	if (engine.listener == NULL)
		return true;
	problem = pthread_create(&thread, NULL, run_engine, NULL);
	if (problem != 0)
		return err_set(err, "no thread for libmilter: %s", strerror(problem));
	pthread_detach(thread);
	/* HUP before libmilter waits for signals our way would end it. */
	for (int i = 0; i < START_STEPS && !libmilter_signals_held() && !failed(); i++)
		usleep(START_STEP_US);
	if (!libmilter_signals_held() || failed())
		return err_set(err, "libmilter did not start; the system log may say why");
	say_unknown();
	return true;
}

/*
 * smfi_stop() would wait up to 5 s for the listener, orphan the sessions and join no thread. The
 * end of the process does it better: each MTA sees its connection closed.
 */
static void
leave_running(void)
{
}

/* Its threads write, and wait until all is written. */
static unsigned
unsent(void)
{
	return 0;
}

const struct milter_engine milter_libmilter_engine = {
	.name = "libmilter",
	.add = add,
	.start = start,
	.drain = leave_running,
	.unsent = unsent,
	.stop = leave_running,
	.failed = failed,
};
