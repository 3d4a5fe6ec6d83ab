/* SPDX-License-Identifier: MIT */
/*
 * spf_report.h - what a result says to postmasters, logs and headers
 */
#ifndef PLUGINS_SPF_REPORT_H
#define PLUGINS_SPF_REPORT_H

#include "spf_check.h"

/* Who was checked. Texts are what a client said. */
struct spf_identity {
	const char *scope; /* "mailfrom", "helo" */
	const char *local, *domain;
	const char *sender; /* "" is the null sender */
	const char *helo;
	const char *ip;
	const char *receiver;
};

/* For the log and explain: record, term that matched, cost. */
void
spf_report_reason(char *out, size_t size, const struct spf_identity *, const struct spf_result *);
/* For people, one sentence: "example.org does not let 192.0.2.1 send its mail (...)". */
void
spf_report_sentence(char *out, size_t size, const struct spf_identity *, const struct spf_result *);
/* Value of a Received-SPF field (RFC 7208 section 9.1), folded. */
void
spf_report_received(char *out, size_t size, const struct spf_identity *, const struct spf_result *);

#endif
