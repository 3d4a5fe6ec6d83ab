/* SPDX-License-Identifier: MIT */
/*
 * message.c - the part of a run that ends with the message
 */
#include "run.h"

void
message_reset(struct run *r)
{
	trace_init(&r->trace);
	r->accepted = r->decided = r->given = r->logged = r->held_for_rcpt = false;
	r->decision = r->discard = r->refused_rcpt = (struct decision){0};
	r->final = (struct cm_final){0};
	r->refused_logged = 0;
	r->discarded = 0;
	r->spent = 0;
	for (size_t i = 0; i < r->chain->link_count; i++) {
		r->states[i].msg = NULL;
		r->states[i].last = NULL;
		r->states[i].msg_done = false;
	}
}
