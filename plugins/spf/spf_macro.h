/* SPDX-License-Identifier: MIT */
/*
 * spf_macro.h - macros of RFC 7208 section 7: is the text well-formed, and what becomes of it
 */
#ifndef PLUGINS_SPF_MACRO_H
#define PLUGINS_SPF_MACRO_H

#include <stdbool.h>
#include <stddef.h>

/* What macros stand for. The texts are borrowed. */
struct spf_macro_values {
	const char *local, *sender_domain; /* l, o; s is both */
	const char *domain;		   /* d */
	const char *helo;		   /* h */
	const char *ip;			   /* i: dotted, 32 nibbles for IPv6 */
	const char *ip_readable;	   /* c */
	const char *version;		   /* v: in-addr, ip6 */
	const char *receiver;		   /* r */
	const char *time;		   /* t */
	const char *(*name)(void *ctx);	   /* p: asked for only where the macro stands */
	void *ctx;
};

/* NULL, or what is wrong. A domain-spec ends in a toplabel or a macro (section 7.1). */
const char *spf_macro_wrong_domain(const char *text, size_t len);
/* The same for the value of an unknown modifier, and for an explanation, which may hold blanks. */
const char *spf_macro_wrong_string(const char *text, size_t len);
const char *spf_macro_wrong_explanation(const char *text, size_t len);

/* Some macro of a well-formed text stands for the local part: %{l}, %{s}. */
bool spf_macro_tells_local(const char *text, size_t len);
/*
 * The domain that a well-formed domain-spec names, without a last dot: at most 253 octets, for
 * labels are cut from its left (section 7.3). out has SPF_NAME_SIZE. May be no valid name.
 */
void spf_macro_domain(const struct spf_macro_values *, const char *text, size_t len, char *out);
/* A well-formed explanation; what does not fit is cut. */
void spf_macro_explanation(
	const struct spf_macro_values *, const char *text, size_t len, char *out, size_t size);

#endif
