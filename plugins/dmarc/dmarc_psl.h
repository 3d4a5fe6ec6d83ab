/* SPDX-License-Identifier: MIT */
/*
 * dmarc_psl.h - organizational domains by the public suffix list, as RFC 7489 had them
 */
#ifndef PLUGINS_DMARC_PSL_H
#define PLUGINS_DMARC_PSL_H

#include <stdbool.h>

struct dmarc_psl;

/* The newest list there is: the system's file, or what libpsl was built with. NULL: there is none.
 */
struct dmarc_psl *dmarc_psl_open(void);
/* NULL is well. */
void dmarc_psl_close(struct dmarc_psl *);
/* Nobody could register the name: others register below it. */
bool dmarc_psl_is_suffix(const struct dmarc_psl *, const char *name);
/*
 * The domain that was registered, a part of name (as dmarc_name() spells it); the name itself where
 * it is a suffix. Never NULL.
 */
const char *dmarc_psl_org(const struct dmarc_psl *, const char *name);

#endif
