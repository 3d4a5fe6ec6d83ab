/* SPDX-License-Identifier: MIT */
/*
 * resolver_context.h - libunbound's settings
 */
#ifndef CORE_SERVICE_RESOLVER_CONTEXT_H
#define CORE_SERVICE_RESOLVER_CONTEXT_H

#include "base/err.h"
#include "resolver.h"

struct ub_ctx;
struct ub_event_base;

/* NULL with words. ub_ctx_delete() it. */
struct ub_ctx *
resolver_context(struct ub_event_base *, const struct resolver_config *, struct err *);

#endif
