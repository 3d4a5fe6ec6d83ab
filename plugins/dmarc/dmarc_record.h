/* SPDX-License-Identifier: MIT */
/*
 * dmarc_record.h - a DMARC policy record (RFC 9989 sections 4.7, 4.8)
 */
#ifndef PLUGINS_DMARC_RECORD_H
#define PLUGINS_DMARC_RECORD_H

#include <stdbool.h>
#include <stddef.h>

/* What a domain wants to become of mail that fails, the mildest first. */
enum dmarc_request { DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT, DMARC_REQUESTS };
enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

/* A part of the record; it is not copied. */
struct dmarc_slice {
	const char *text;
	size_t len;
};

/* A tag that is not there has its default; a request that is not there is DMARC_REQUESTS. */
struct dmarc_record {
	enum dmarc_request p, sp, np;
	enum dmarc_psd psd;
	bool strict_dkim, strict_spf; /* adkim, aspf */
	bool testing;		      /* t=y */
	bool bad_request;	      /* p, sp or np is there and says nothing that is known */
	struct dmarc_slice rua, fo;   /* len 0: not there, or wrong */
};

extern const char *const dmarc_request_names[DMARC_REQUESTS];

/*
 * False: no DMARC record, for it does not begin with v=DMARC1. Unknown, broken and repeated tags
 * are ignored, and so are pct, rf and ri. Slices are parts of text.
 */
bool dmarc_record_parse(struct dmarc_record *, const char *text, size_t len);
/*
 * The next of the URIs to which aggregate reports go, without a limit of size; rest begins as rua
 * of the record, and becomes what is behind it. False: there are no more.
 */
bool dmarc_record_rua(struct dmarc_slice *rest, struct dmarc_slice *uri);

#endif
