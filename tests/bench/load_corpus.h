/* SPDX-License-Identifier: MIT */
/*
 * load_corpus.h - the messages of corpus.py in memory
 */
#ifndef TESTS_BENCH_LOAD_CORPUS_H
#define TESTS_BENCH_LOAD_CORPUS_H

#include <stdbool.h>
#include <stddef.h>

/* The value is all that follows the colon, lines end in LF, as a milter is told it. */
struct mail_field {
	const char *name;
	const char *value;
};

struct corpus_mail {
	const char *client; /* address */
	const char *helo;
	const char *login; /* NULL: not logged in */
	const char *sender;
	const char *class;
	const char **rcpts;
	size_t rcpt_count;
	struct mail_field *fields;
	size_t field_count;
	const char *body;
	size_t body_length;
	const char *data; /* all of it as SMTP sends it: dots doubled, with its end */
	size_t data_length;
	bool first, last; /* of its session */
};

struct corpus {
	struct corpus_mail *mails;
	size_t count;
	size_t *sessions; /* where each begins */
	size_t session_count;
};

/* Reads DIR/index and all it names; what it takes is never given back. False: something is wrong,
 * and was printed. */
bool corpus_read(struct corpus *c, const char *dir);

#endif
