/* SPDX-License-Identifier: MIT */
/*
 * load_options.h - what the load client is asked to do
 */
#ifndef TESTS_BENCH_LOAD_OPTIONS_H
#define TESTS_BENCH_LOAD_OPTIONS_H

#include <stdbool.h>

/* In addresses "#" stands for a number, of the message or of the recipient, and "%" for the
 * client's. */
struct options {
	const char *address;
	const char *login;  /* over TLS; NULL: not logged in */
	const char *from;   /* sender */
	const char *to;	    /* recipient */
	unsigned senders;   /* different numbers; 0: no number comes again */
	unsigned clients;   /* different addresses, each in a network of its own; 0: one address */
	bool may_defer;	    /* a recipient who must wait is no failure */
	const char *corpus; /* directory of messages to send in place of the above; or NULL */
	const char *outcomes; /* file for what became of them; or NULL */
	const char
		*then;	 /* socket of a filter that gets each message of the corpus next; or NULL */
	unsigned passes; /* through the corpus; 0: until the time ends */
	unsigned connections;
	unsigned messages;
	unsigned size;
	unsigned rcpts;
	unsigned per_connection;
	unsigned seconds;
	bool show_negotiation;
};

/* Of the command line; false: it is wrong, and the usage was printed. */
bool options_read(int argc, char **argv, struct options *o);

#endif
