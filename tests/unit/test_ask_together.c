/* SPDX-License-Identifier: MIT */
/*
 * test_ask_together.c - what the checks of a message ask DNS is on the wire before anything is
 * answered
 *
 * The server counts questions and answers none of them, so a check that waits for one before it
 * asks the next is seen. Time is real here, and only bounds a wait that hangs.
 */
#include <stdio.h>

#include "base/clock.h"
#include "drive.h"
#include "hostile.h"
#include "service/resolver.h"
#include "table.h"

#define HUNG (50 * CLOCK_SEC)

#define SENDER	    "counted.silent.sender.example"
#define KEY(domain) "counted.silent._domainkey." domain
#define SIGNED	    "a=rsa-sha256; c=relaxed/relaxed; s=counted.silent; h=from; b=AAAA; bh=" HASH "; "
#define HASH	    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define SEALED	    "a=rsa-sha256; s=counted.silent; b=AAAA; cv=none; "
#define UNANSWERED  "_dmarc.author.example do counted silent\n"

static const struct cm_header fields[] = {
	{"ARC-Seal", "i=1; " SEALED "d=seal.example"},
	{"ARC-Message-Signature", "i=1; " SIGNED "d=list.example"},
	{"ARC-Authentication-Results", "i=1; mx.seal.example; none"},
	{"DKIM-Signature", "v=1; " SIGNED "d=author.example"},
	{"DKIM-Signature", "v=1; " SIGNED "d=provider.example"},
	{"From", "<a@author.example>"},
};

static const struct {
	const char *what, *name;
} questions[] = {
	{"the SPF record of the sender", SENDER},
	{"the key of the first signature", KEY("author.example")},
	{"the key of the second signature", KEY("provider.example")},
	{"the policy of the author", "_dmarc.author.example"},
	{"the key of ARC's seal", KEY("seal.example")},
	{"the key of ARC's message signature", KEY("list.example")},
};

static struct hostile server;
static struct drive d;

static void
begin(void)
{
	char conf[1024];

	drive_init(&d);
	hostile_begin_zone(&server, "127.0.0.1", drive_file(&d, "zone", UNANSWERED));
	snprintf(conf, sizeof(conf),
		"dns { resolvers = [ \"%s\" ] }\n"
		"profile all { chain = [ spf, dkim, arc, dmarc ] }\n"
		"plugin spf { helo = null-only; fail = tag; temperror = accept }\n"
		"plugin dkim { }\nplugin arc { }\nplugin dmarc { }\n",
		server.at);
	drive_load(&d, conf);
	drive_open(&d);
	drive_connect(&d, "203.0.113.7", "client.example.net", "25");
	drive_helo(&d, "client.example.net");
}

static int
asked(const char *name)
{
	struct cm_dns_answer a;
	char text[256];
	struct question *q;
	int count;

	snprintf(text, sizeof(text), "asked.%s", name);
	q = resolver_ask(d.g->chain.resolver, text, CM_DNS_TXT);
	question_wait(q, clock_now() + HUNG, &a);
	ck_assert_msg(a.status == CM_DNS_FOUND, "%s: %d", text, (int)a.status);
	count = atoi(a.records[0].text);
	question_drop(q);
	return count;
}

static bool
comes(const char *name)
{
	int64_t late = clock_now() + HUNG;

	while (asked(name) == 0) {
		if (clock_now() > late)
			return false;
	}
	return true;
}

/* The message is given up with all of it open, which must be no harm. */
START_TEST(everything_is_asked_before_anything_is_answered)
{
	begin();
	ck_assert_int_eq(drive_mail(&d, "<a@" SENDER ">", NULL, NULL), CM_CONTINUE);
	ck_assert_msg(comes(SENDER), "MAIL asks for %s", questions[0].what);
	drive_rcpt(&d, "<b@example.com>");
	drive_stage(&d, CM_STAGE_DATA);
	for (size_t i = 0; i < LENGTH(fields); i++) {
		drive_event(&d, &(struct cm_event){.stage = CM_STAGE_HEADER,
					.name = fields[i].name,
					.value = fields[i].value});
	}
	ck_assert_int_eq(drive_stage(&d, CM_STAGE_EOH), CM_CONTINUE);
	for (size_t i = 0; i < LENGTH(questions); i++)
		ck_assert_msg(comes(questions[i].name), "nobody asked for %s, %s",
			questions[i].what, questions[i].name);
	ck_assert_ptr_null(session_result(d.s, "spf", "result"));
	drive_fini(&d);
	hostile_end(&server);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ask_together");
	TCase *t = tcase_create("wire");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, everything_is_asked_before_anything_is_answered);
	suite_add_tcase(s, t);
	return table_run(s);
}
