/* SPDX-License-Identifier: MIT */
/*
 * dmarc_psl.c - organizational domains by the public suffix list
 *
 * The only file that includes libpsl.
 */
#include "dmarc_psl.h"

#include <libpsl.h>
#include <stdlib.h>

struct dmarc_psl {
	psl_ctx_t *list;
};

struct dmarc_psl *
dmarc_psl_open(void)
{
	struct dmarc_psl *psl = malloc(sizeof(*psl));

	if (psl == NULL)
		return NULL;
	psl->list = psl_latest(NULL);
	if (psl->list != NULL)
		return psl;
	free(psl);
	return NULL;
}

void
dmarc_psl_close(struct dmarc_psl *psl)
{
	if (psl == NULL)
		return;
	psl_free(psl->list);
	free(psl);
}

bool
dmarc_psl_is_suffix(const struct dmarc_psl *psl, const char *name)
{
	return psl_registrable_domain(psl->list, name) == NULL;
}

const char *
dmarc_psl_org(const struct dmarc_psl *psl, const char *name)
{
	const char *org = psl_registrable_domain(psl->list, name);

	return org == NULL ? name : org;
}
