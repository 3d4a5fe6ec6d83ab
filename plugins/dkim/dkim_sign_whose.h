/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign_whose.h - the words of sign_for: whose mail may be signed
 */
#ifndef PLUGINS_DKIM_SIGN_WHOSE_H
#define PLUGINS_DKIM_SIGN_WHOSE_H

/* Bits of dkim_sign_config.whose. */
enum dkim_whose {
	DKIM_WHOSE_LOCAL,   /* programs of this machine: no address, or a loopback address */
	DKIM_WHOSE_LOGINS,  /* clients that have logged in, with addresses that are theirs */
	DKIM_WHOSE_TRUSTED, /* clients in main.trusted_networks */
	DKIM_WHOSE_COUNT
};

#endif
