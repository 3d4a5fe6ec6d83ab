/* SPDX-License-Identifier: MIT */
/*
 * geo.h - where an address is: databases in MaxMind's format
 *
 * A file that was replaced is read again, looked for at most every `GEO_LOOK_US`; one that cannot
 * be read does not replace a good one. The content is copied when it is opened, so that nobody who
 * writes over the file takes it away from under us. Safe for many threads.
 */
#ifndef CORE_SERVICE_GEO_H
#define CORE_SERVICE_GEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct net_addr;

#define GEO_LOOK_US INT64_C(30000000)

struct geo_settings {
	const char *database;	  /* countries or cities; NULL: none */
	const char *asn_database; /* autonomous systems; NULL: none */
};

/* What is not known is "" or 0; what is too long is cut. */
struct geo_place {
	char country[8];   /* "DE": ISO 3166-1 */
	char continent[8]; /* "EU" */
	char city[64];	   /* in English, UTF-8 */
	uint32_t asn;
	char as_name[128];
};

struct geo_file;

/* The path is copied. NULL with words when there is no such database. */
struct geo_file *geo_open(const char *path, struct err *);
void geo_close(struct geo_file *);
/* Fills what the database knows of the address; the rest stays as it is. */
void geo_look_up(struct geo_file *, const struct net_addr *, struct geo_place *);

#endif
