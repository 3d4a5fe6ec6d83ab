/* SPDX-License-Identifier: MIT */
/*
 * link.c - the settings every plugin and script has, and what they mean for one session
 */
#include <stdatomic.h>

#include "base/clock.h"
#include "run.h"

#define ROW(field) offsetof(struct link_settings, field)

const struct cm_option chain_link_rows[] = {
	{.name = "mode",
		.type = CM_OPT_CHOICE,
		.offset = ROW(mode),
		.fallback = "enforce",
		.choices = "enforce|shadow|off",
		.help = "shadow runs, logs and counts the link and changes nothing",
		.since = "0.1"},
	{.name = "on_error",
		.type = CM_OPT_CHOICE,
		.offset = ROW(on_error),
		.choices = "tempfail|accept|reject|skip",
		.help = "what a link that could not tell counts as; default: main.fail_action",
		.since = "0.1"},
	{.name = "sample",
		.type = CM_OPT_PERCENT,
		.offset = ROW(sample),
		.fallback = "100%",
		.help = "part of the mail that is enforced, by client and sender; the rest is "
			"shadow",
		.max = LINK_SAMPLE_ALL,
		.since = "0.1"},
	{.name = "stop_early",
		.type = CM_OPT_BOOL,
		.offset = ROW(stop_early),
		.fallback = "no",
		.help = "give refusals at data, headers and body at once, not at end of message",
		.since = "0.1"},
	{.name = "timeout",
		.type = CM_OPT_DURATION,
		.offset = ROW(timeout_us),
		.fallback = "10s",
		.help = "how long one call may take",
		.min = 1,
		.max = 600 * CLOCK_SEC,
		.since = "0.1"},
	{.name = "trip_after",
		.type = CM_OPT_RATE,
		.offset = ROW(trip_after),
		.help = "failures (20/5min) after which the link is not called, but for one try a "
			"minute; default: never",
		.min = 1,
		.max = BREAKER_MOST,
		.since = "0.1"},
	{.name = "tripped",
		.type = CM_OPT_CHOICE,
		.offset = ROW(tripped),
		.fallback = "skip",
		.choices = "skip|on_error",
		.help = "what it counts as meanwhile: no opinion, or what on_error says",
		.since = "0.1"},
	{.name = "until",
		.type = CM_OPT_TIME,
		.offset = ROW(until),
		.help = "when the mode ends and the link is enforced",
		.since = "0.1"},
};

const size_t chain_link_row_count = sizeof(chain_link_rows) / sizeof(*chain_link_rows);

static enum link_mode
configured_mode(const struct link *l)
{
	if (l->set.until != 0 && clock_wall() >= l->set.until)
		return LINK_ENFORCE;
	return (enum link_mode)l->set.mode;
}

/* Somebody set one, which may be over. */
static enum link_mode
mode_of_today(const struct link *l)
{
	struct live_mode m = live_mode(l);

	return m.set ? (enum link_mode)m.mode : configured_mode(l);
}

static inline enum link_mode
link_mode_now(const struct link *l)
{
	if (l->live != NULL && atomic_load_explicit(&l->live->mode, memory_order_relaxed) != 0)
		return mode_of_today(l);
	return configured_mode(l);
}

/* FNV-1a: the same on every machine and after every start, unlike the keyed hash. */
static uint64_t
mix(uint64_t h, const char *text)
{
	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h;
}

bool
link_sampled_out(const struct cm_session *s, const struct link *l)
{
	uint64_t h;

	if (l->set.sample >= LINK_SAMPLE_ALL)
		return false;
	h = mix(mix(UINT64_C(0xcbf29ce484222325), s->client.ip), " ");
	h = mix(h, s->sender.addr);
	return (h ^ h >> 32) % (uint64_t)LINK_SAMPLE_ALL >= (uint64_t)l->set.sample;
}

bool
link_sampled_none(const struct link *l)
{
	return l->set.sample == 0;
}

bool
link_watched(const struct run *r, const struct link *l)
{
	return r->states[l->index].sampled_out || r->profile->mode == LINK_SHADOW ||
	       link_mode_now(l) == LINK_SHADOW;
}

bool
link_dormant(const struct run *r, const struct link *l)
{
	return r->states[l->index].off || link_mode_now(l) == LINK_OFF;
}

bool
link_off(const struct run *r, const struct link *l)
{
	return r->profile->mode == LINK_OFF || link_dormant(r, l);
}
