/* SPDX-License-Identifier: MIT */
/*
 * load_smtp.h - an SMTP client that says whose mail it brings
 */
#ifndef TESTS_BENCH_LOAD_SMTP_H
#define TESTS_BENCH_LOAD_SMTP_H

#include "load_corpus.h"

struct smtp;

/* Of 127.0.0.1; says EHLO and XCLIENT for that mail. NULL: the MTA is not there or will not have
 * it; printed. */
struct smtp *smtp_open(unsigned port, const struct corpus_mail *mail);
/* One message in one go, commands pipelined (RFC 2920). The code of the reply to all of it, or to
 * the first command that was refused; 0: the connection broke. */
unsigned smtp_send(struct smtp *s, const struct corpus_mail *mail);
/* Says QUIT. Accepts NULL. */
void smtp_close(struct smtp *s);

#endif
