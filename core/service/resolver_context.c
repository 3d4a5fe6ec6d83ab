/* SPDX-License-Identifier: MIT */
/*
 * resolver_context.c - libunbound's settings
 *
 * Each is there for a reason that was measured (docs/DNS.md). The path of a log of its own would
 * bring its lines, with names from the network in them, to our standard error: it has none.
 */
#include "resolver_context.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

/* Questions on the wire at once, each with a descriptor of its own. */
#define OUTGOING_MOST  10240u
#define OUTGOING_LEAST 64u

static const struct {
	const char *name, *value;
} fixed[] = {
	/* 127.0.0.1 is a resolver like any other; so are names of private networks. */
	{"do-not-query-localhost:", "no"},
	{"unblock-lan-zones:", "yes"},
	{"insecure-lan-zones:", "yes"},
	/* Reversed addresses of DNS lists would cost a question for each label. */
	{"qname-minimisation:", "no"},
	/* Servers that take two seconds to answer count as well: an answer to a question that was
	   sent again is lost. */
	{"infra-cache-min-rtt:", "2200"},
	/* A question that nobody waits for any more soon lets go of its descriptor. */
	{"outbound-msg-retry:", "1"},
	{"edns-buffer-size:", "1232"},
	{"cache-max-negative-ttl:", "900"},
	{"msg-cache-slabs:", "1"},
	{"rrset-cache-slabs:", "1"},
	{"infra-cache-slabs:", "1"},
	{"key-cache-slabs:", "1"},
};

/* Names that libunbound would answer itself (RFC 6303, 6761, 8375), left to the resolvers that are
   set. */
static const char *const local_names[] = {
	"127.in-addr.arpa.", "home.arpa.", "invalid.", "onion.", "test."};

static bool
set(struct ub_ctx *ctx, const char *name, const char *value, struct err *err)
{
	int failure = ub_ctx_set_option(ctx, name, value);

	return failure == 0 ||
	       err_set(err, "libunbound: %s %s: %s", name, value, ub_strerror(failure));
}

static bool
set_number(struct ub_ctx *ctx, const char *name, size_t value, struct err *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", value);
	return set(ctx, name, text, err);
}

/* Half of the descriptors we may have; the other half is the MTA's. */
static size_t
outgoing(void)
{
	struct rlimit files;
	size_t most = OUTGOING_MOST;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 2 < most)
		most = files.rlim_cur / 2;
	return most < OUTGOING_LEAST ? OUTGOING_LEAST : most;
}

static bool
set_fixed(struct ub_ctx *ctx, struct err *err)
{
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		if (!set(ctx, fixed[i].name, fixed[i].value, err))
			return false;
	}
	return true;
}

/* Our own table has one half of the memory; messages and records share the other. */
static bool
set_sizes(struct ub_ctx *ctx, const struct resolver_config *c, struct err *err)
{
	size_t half = (size_t)c->cache_size / 2;

	return set_number(ctx, "outgoing-range:", outgoing(), err) &&
	       set_number(ctx, "num-queries-per-thread:", outgoing(), err) &&
	       set_number(ctx, "msg-cache-size:", half / 3, err) &&
	       set_number(ctx, "rrset-cache-size:", half - half / 3, err);
}

/*
 * Names that nobody answers must not make libunbound think that the resolver in front of them is
 * down, and leave it out for all other names. Where we ask the servers themselves that memory is of
 * use.
 */
static bool
set_servers(struct ub_ctx *ctx, const struct resolver_config *c, struct err *err)
{
	for (size_t i = 0; i < c->resolvers.count; i++) {
		int failure = ub_ctx_set_fwd(ctx, c->resolvers.items[i]);

		if (failure != 0)
			return err_set(err, "resolver %s: %s", c->resolvers.items[i],
				ub_strerror(failure));
	}
	return c->resolvers.count == 0 || set(ctx, "infra-host-ttl:", "0", err);
}

/* Nothing is sent: the system looks for a way there (a root server). */
static bool
has_ipv6(void)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(53)};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found;

	if (fd < 0)
		return false;
	inet_pton(AF_INET6, "2001:500:2f::f", &to.sin6_addr);
	found = connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;
	close(fd);
	return found;
}

/* Half of the servers on the way down have IPv6 addresses: a machine without would try them in
 * vain. */
static bool
set_families(struct ub_ctx *ctx, const struct resolver_config *c, struct err *err)
{
	return c->resolvers.count > 0 || has_ipv6() || set(ctx, "do-ip6:", "no", err);
}

/* The last: libunbound takes no option once it has a zone. */
static bool
leave_local_names(struct ub_ctx *ctx, const struct resolver_config *c, struct err *err)
{
	int failure = 0;

	for (size_t i = 0; failure == 0 && i < sizeof(local_names) / sizeof(*local_names); i++)
		failure = ub_ctx_zone_add(
			ctx, local_names[i], c->resolvers.count > 0 ? "transparent" : "static");
	/* Only now it has read the keys, and does not say more than that. */
	if (failure == UB_INITFAIL && c->dnssec)
		return err_set(err, "libunbound does not start; are there keys of the root in %s?",
			c->trust_anchor);
	return failure == 0 || err_set(err, "libunbound: %s", ub_strerror(failure));
}

static bool
set_dnssec(struct ub_ctx *ctx, const struct resolver_config *c, struct err *err)
{
	int failure;

	if (!c->dnssec)
		return set(ctx, "module-config:", "iterator", err);
	if (!set(ctx, "module-config:", "validator iterator", err))
		return false;
	failure = ub_ctx_add_ta_file(ctx, c->trust_anchor);
	return failure == 0 || err_set(err, "%s: %s", c->trust_anchor, ub_strerror(failure));
}

struct ub_ctx *
resolver_context(struct ub_event_base *base, const struct resolver_config *c, struct err *err)
{
	struct ub_ctx *ctx = ub_ctx_create_ub_event(base);

	if (ctx == NULL) {
		err_set(err, "libunbound could not be started");
		return NULL;
	}
	ub_ctx_debugout(ctx, NULL);
	if (set_fixed(ctx, err) && set_sizes(ctx, c, err) && set_servers(ctx, c, err) &&
		set_families(ctx, c, err) && set_dnssec(ctx, c, err) &&
		leave_local_names(ctx, c, err))
		return ctx;
	ub_ctx_delete(ctx);
	return NULL;
}
