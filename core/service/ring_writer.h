/* SPDX-License-Identifier: MIT */
/*
 * ring_writer.h - records on their way to the ring of this process
 *
 * Who has a record hands it over and goes on; one thread writes. Bounded: what does not fit, or
 * what the disk refuses, is lost and counted, and mail waits for none of it.
 */
#ifndef CORE_SERVICE_RING_WRITER_H
#define CORE_SERVICE_RING_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring.h"

struct ring_health {
	int64_t kept;	   /* since the start */
	int64_t crowded;   /* lost, for the writer was behind */
	int64_t refused;   /* lost, for the disk or the directory refused */
	char trouble[512]; /* the latest refusal, "" once something was kept again */
};

/* Starts the thread; until it is configured nothing is wanted. */
bool ring_writer_start(struct err *) MUST_USE;
/* From now on records go there (the config is copied); NULL: nowhere. */
void ring_writer_configure(const struct ring_config *);
/* Somebody takes records. */
bool ring_writer_wanted(void);
/* Takes the octets, which malloc() made, in any case. Never waits for the disk. */
void ring_writer_put(unsigned char *, size_t);
void ring_writer_health(struct ring_health *);
/* Until all that was put is written or lost. */
void ring_writer_flush(void);
/* Writes what waits, and ends the thread. Nothing happens without a start. */
void ring_writer_stop(void);

#endif
