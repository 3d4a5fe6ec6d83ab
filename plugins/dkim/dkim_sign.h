/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign.h - the signing half of plugin dkim: which messages are signed, and how
 *
 * The plugin shows it the end of the header section, the body and the end of the message. Who
 * causes a signature: a login for addresses that belong to it, a trusted client or a local program
 * for the domains of the signing table. A From: field alone never does.
 */
#ifndef PLUGINS_DKIM_SIGN_H
#define PLUGINS_DKIM_SIGN_H

#include <chainmail/plugin.h>

#include "dkim_sign_field.h"
#include "dkim_sign_table.h"

/* Settings; table is NULL where nothing is signed. */
struct dkim_sign_config {
	const char *table_path, *key_dir, *delimiters;
	struct cm_list sign_for, oversign;
	const struct cm_map *login_map;
	int canonicalization; /* header and body: the choices of DKIM_SIGN_CANONICALIZATION */
	int64_t expire_us;

	/* What dkim_sign_start() makes of them. */
	struct dkim_sign_table *table;
	struct dkim_sign_style style;
	unsigned whose; /* bit per word of sign_for */
};

#define DKIM_SIGN_CANONICALIZATION "relaxed/relaxed|relaxed/simple|simple/relaxed|simple/simple"

/* State of a message; zeroed before. */
struct dkim_sign {
	struct canon_body *body; /* NULL: the message is not signed */
	const char *login;	 /* NULL: a client that needs none */
};

/* Reads table and keys. False: why says which cannot be used. Without a table nothing happens. */
bool dkim_sign_start(struct dkim_sign_config *, char *why, size_t why_size);
void dkim_sign_stop(struct dkim_sign_config *);
/* For the items of sign_for. */
bool dkim_sign_check_whose(const char *text, char *why, size_t why_size);

/*
 * At the end of the header section. CM_KNOWN: it is mail of ours, so it wants the body and the end.
 * CM_NONE: it is not. CM_UNDELIVERED: nobody can tell; the reason is set.
 */
enum cm_known
dkim_sign_begin(struct cm_session *, const struct dkim_sign_config *, struct dkim_sign *);
/* Octets of the body, in any pieces. */
void dkim_sign_body(struct dkim_sign *, const void *, size_t);
/* At end of message: asks for the fields, and publishes what became of it. */
enum cm_verdict
dkim_sign_finish(struct cm_session *, const struct dkim_sign_config *, struct dkim_sign *);
/* At any time; also more than once. */
void dkim_sign_end(struct dkim_sign *);

#endif
