/* SPDX-License-Identifier: MIT */
/*
 * test_case.c - plays one case of a rule's test: the client, step by step
 *
 * A step brings what must come before it and was not written down: a client that sends a message
 * has connected, greeted and named a sender and a recipient. Once the message was refused the
 * client says no more of it, so the refusal stands for what follows, until the next MAIL.
 */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/generation.h"
#include "host/script_test.h"
#include "test_play.h"

#define CLIENT_PORT 49152 /* the first for that (RFC 6335 section 6) */
#define HELO	    "mail.example.org"
#define SENDER	    "sender@example.org"
#define RECIPIENT   "recipient@example.net"
#define QUEUE_ID    "4XZ9Yt0kqzQ"
#define PORT	    25

/* --- the client ----------------------------------------------------------------------------------
 */

static void
do_connect(struct test_play *p)
{
	const struct cm_event ev = {
		.stage = CM_STAGE_CONNECT, .name = p->conversation.session->client.name};

	p->connected = p->new_connection = true;
	p->over = !replay_step(&p->player, &ev);
}

static void
do_helo(struct test_play *p, const char *name)
{
	const struct cm_event ev = {.stage = CM_STAGE_HELO, .name = name};

	if (!p->connected)
		do_connect(p);
	if (p->over && !p->greeted)
		return;
	p->in_message = false;
	p->ended = (struct test_ended){.outcome = NULL};
	p->greeted = p->new_helo = true;
	p->over = !replay_step(&p->player, &ev);
}

static void
do_mail(struct test_play *p, const char *address)
{
	if (!p->greeted)
		do_helo(p, p->c->helo != NULL ? p->c->helo : HELO);
	if (p->over && !p->in_message)
		return;
	conversation_end_message(&p->conversation);
	p->ended = (struct test_ended){.outcome = NULL};
	p->in_message = p->new_message = true;
	p->data_said = false;
	p->rcpts = p->taken = 0;
	p->over = !replay_path(&p->player, CM_STAGE_MAIL, address);
}

static void
do_rcpt(struct test_play *p, const char *address)
{
	if (!p->in_message)
		do_mail(p, SENDER);
	if (p->over)
		return;
	p->rcpts++;
	if (replay_path(&p->player, CM_STAGE_RCPT, address))
		p->taken++;
	else
		p->over = p->last.verdict == CM_ACCEPT || p->last.verdict == CM_DISCARD;
}

static void
do_data(struct test_play *p)
{
	const struct cm_event ev = {.stage = CM_STAGE_DATA};

	if (p->rcpts == 0)
		do_rcpt(p, RECIPIENT);
	/* Nobody would get the message. */
	p->over = p->over || p->taken == 0;
	if (p->over || p->data_said)
		return;
	p->data_said = true;
	p->over = !replay_step(&p->player, &ev);
}

static void
do_send(struct test_play *p, const char *message)
{
	do_data(p);
	if (p->over)
		return;
	replay_content(&p->player, message, strlen(message));
	p->over = true;
}

/* --- steps ---------------------------------------------------------------------------------------
 */

static bool
play_connect(struct test_play *p, const struct script_test_step *s, struct test_result *r)
{
	(void)s;
	if (p->connected) {
		r->got = "the client is connected; a case is one connection";
		return false;
	}
	do_connect(p);
	return true;
}

static bool
play_helo(struct test_play *p, const struct script_test_step *s, struct test_result *r)
{
	(void)r;
	do_helo(p, s->text);
	return true;
}

static bool
play_mail(struct test_play *p, const struct script_test_step *s, struct test_result *r)
{
	(void)r;
	do_mail(p, s->text);
	return true;
}

static bool
play_rcpt(struct test_play *p, const struct script_test_step *s, struct test_result *r)
{
	(void)r;
	do_rcpt(p, s->text);
	return true;
}

static bool
play_data(struct test_play *p, const struct script_test_step *s, struct test_result *r)
{
	(void)s;
	(void)r;
	do_data(p);
	return true;
}

static bool
play_send(struct test_play *p, const struct script_test_step *s, struct test_result *r)
{
	(void)r;
	do_send(p, s->text);
	return true;
}

static bool
play_advance(struct test_play *p, const struct script_test_step *s, struct test_result *r)
{
	(void)p;
	(void)r;
	clock_advance(s->us);
	return true;
}

static bool (*const plays[])(
	struct test_play *, const struct script_test_step *, struct test_result *) = {
	[SCRIPT_TEST_CONNECT] = play_connect,
	[SCRIPT_TEST_HELO] = play_helo,
	[SCRIPT_TEST_MAIL] = play_mail,
	[SCRIPT_TEST_RCPT] = play_rcpt,
	[SCRIPT_TEST_DATA] = play_data,
	[SCRIPT_TEST_SEND] = play_send,
	[SCRIPT_TEST_ADVANCE] = play_advance,
	[SCRIPT_TEST_EXPECT] = test_expect,
	[SCRIPT_TEST_EXPECT_EDIT] = test_expect_edit,
	[SCRIPT_TEST_EXPECT_LOG] = test_expect_log,
};

/* What would go wrong unseen: a question without an answer, an error that nobody expected. */
static bool
is_clean(const struct test_play *p, struct test_result *r)
{
	if (p->run->missed != NULL) {
		r->wanted = "no other question to DNS";
		r->got = arena_printf(&p->run->arena, "test asked DNS for %s: add it to dns = { }",
			p->run->missed);
	} else if (p->error != NULL) {
		r->wanted = "no error";
		r->got = p->error;
	}
	return r->got == NULL;
}

static bool
play_step(struct test_play *p, const struct script_test_step *s, struct test_result *r)
{
	bool expects = s->kind >= SCRIPT_TEST_EXPECT;

	if (!expects) {
		if (!is_clean(p, r))
			return false;
		r->line = s->line;
		p->new_connection = p->new_helo = p->new_message = false;
		p->seen = chain_trace(p->conversation.session)->last;
	}
	p->expects = p->expects || expects;
	if (!plays[s->kind](p, s, r)) {
		r->line = s->line;
		return false;
	}
	if (!expects)
		p->error = test_failure(p);
	/* done() of the message before. */
	if (!expects && p->error == NULL)
		p->error = test_logged_error(p);
	return p->run->missed == NULL || is_clean(p, r);
}

static bool
play_steps(struct test_play *p, struct test_result *r)
{
	for (const struct script_test_step *s = p->c->steps; s != NULL; s = s->next) {
		if (!play_step(p, s, r))
			return false;
	}
	if (!is_clean(p, r))
		return false;
	if (!p->expects)
		r->got = "nothing is expected: end the case with :expect";
	return p->expects;
}

void
test_case(struct test_run *run, const struct script_test_case *c, struct test_result *r)
{
	struct test_play p = {.run = run, .c = c, .last = {.verdict = CM_CONTINUE}};

	p.in = (struct replay_input){
		.client_ip = c->client,
		.client_name = c->client_name,
		.client_ptr = c->ptr,
		.client_port = CLIENT_PORT,
		.server_ip = c->server,
		.port = c->port != 0 ? c->port : PORT,
		.login = c->login,
		.login_method = c->method,
		.tls = c->tls || c->tls_version != NULL,
		.tls_version = c->tls_version,
		.queue_id = QUEUE_ID,
	};
	if (ftruncate(run->log, 0) < 0) {
		r->got = "the log could not be emptied";
		return;
	}
	conversation_open(&p.conversation, "test");
	replay_begin(&p.player, &p.conversation, &p.in, NULL, &p.last);
	r->ok = play_steps(&p, r);
	if (!r->ok)
		r->trace = test_trace(&p);
	else
		r->line = c->line;
	replay_end(&p.player);
	conversation_close(&p.conversation);
	/* done() may ask, and fail, too. */
	if (r->ok)
		p.error = test_logged_error(&p);
	r->ok = r->ok && is_clean(&p, r);
}
