/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what each link did with a message, and why
 *
 * The summary line, `chainmail explain` and the metrics are made of it. Repeated calls of one link
 * at one stage (header, body) without a verdict are one record. Bounded.
 */
#ifndef CORE_CHAIN_TRACE_H
#define CORE_CHAIN_TRACE_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/reply.h"

#define TRACE_MAX 256 /* records of one message; more are counted */

struct link;

struct trace_record {
	const struct link *link; /* NULL: the core itself (a limit, the message deadline) */
	enum cm_stage stage;
	enum cm_verdict verdict; /* what the link returned; FAILED too when that broke a rule */
	bool shadow;		 /* watched only */
	bool sampled_out;	 /* kept: chain_sampled_out() when it ended */
	bool failed;		 /* on_error decided; the reason says what broke a rule */
	struct reply reply;	 /* code 0: none */
	const char *reason;	 /* NULL: none */
	const char *result;	 /* that it published under "result"; NULL: none */
	const char *rcpt;	 /* RCPT: for whom */
	int64_t us;
	unsigned calls;
	uint32_t edits; /* watched only: bit per kind of edit (enum edit_kind) that it asked for */
	struct trace_record *next;
};

struct trace {
	struct trace_record *first, **last;
	size_t count, lost;
};

#endif
