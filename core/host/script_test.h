/* SPDX-License-Identifier: MIT */
/*
 * script_test.h - test files of rules: what they say, as data
 *
 * NAME_test.lua beside NAME.lua is a Lua program that writes down cases; nothing is run while it is
 * read. What a case needs of filter.conf and DNS is kept as text of those languages.
 */
#ifndef CORE_HOST_SCRIPT_TEST_H
#define CORE_HOST_SCRIPT_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct cm_plugin;

enum script_test_kind {
	SCRIPT_TEST_CONNECT,
	SCRIPT_TEST_HELO,
	SCRIPT_TEST_MAIL,
	SCRIPT_TEST_RCPT,
	SCRIPT_TEST_DATA,
	SCRIPT_TEST_SEND,
	SCRIPT_TEST_ADVANCE,
	SCRIPT_TEST_EXPECT, /* from here on: what is expected of the steps before */
	SCRIPT_TEST_EXPECT_EDIT,
	SCRIPT_TEST_EXPECT_LOG
};

struct script_test_step {
	enum script_test_kind kind;
	unsigned line;
	const char *text; /* name, address, message, expectation; no NUL inside */
	int64_t us;	  /* SCRIPT_TEST_ADVANCE */
	struct script_test_step *next;
};

/* Results that earlier links of the chain would have left. */
enum script_test_result {
	SCRIPT_TEST_ARC,
	SCRIPT_TEST_DKIM,
	SCRIPT_TEST_DMARC,
	SCRIPT_TEST_SPF,
	SCRIPT_TEST_RESULTS
};

struct script_test_case {
	const char *name;
	unsigned line;
	const char *client, *client_name, *ptr, *server, *helo, *login, *method;
	const char *country; /* two letters; NULL: not known */
	unsigned port;
	bool tls, trusted;
	const char *tls_version; /* NULL: TLSv1.3 */
	const char *settings;	 /* lines of a settings block */
	const char *zone;	 /* lines of a zone file */
	const char
		*results[SCRIPT_TEST_RESULTS]; /* items of a list, "key value"; NULL: not given */
	struct script_test_step *steps, **last;
	bool set; /* its options were given */
	struct script_test_case *next;
};

struct script_test {
	struct arena arena;
	const struct cm_plugin *const *plugins; /* whose results cases give; ends in NULL */
	const char *label;			/* "scripts/x_test.lua" */
	struct script_test_case *cases, **last;
	struct buf sections; /* of filter.conf: the maps and plugins that the file names */
	bool shared_store;
	int64_t advanced; /* by all steps together, microseconds */
	size_t octets;	  /* said so far */
	struct buf text;  /* what is being written down */
};

/*
 * Reads a file; false with words, which begin with file and line. Initialized in any case. Results
 * that a case gives must be those that the plugins (borrowed, ends in NULL) say they publish.
 */
MUST_USE bool script_test_read(struct script_test *, const char *path,
	const struct cm_plugin *const *plugins, struct err *);
void script_test_fini(struct script_test *);

/* Name of a result: the type of the plugin that would give it. */
const char *script_test_result_name(enum script_test_result);

#endif
