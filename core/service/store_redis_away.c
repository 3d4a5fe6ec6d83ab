/* SPDX-License-Identifier: MIT */
/*
 * store_redis_away.c - what is said of a server that comes and goes
 *
 * One line when it goes and one when it is back, and no more than two a minute for a server that
 * cannot decide: a line that comes too early is kept until it may be written, if it is still true.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "store_redis_inside.h"

#define LINE_US (60 * CLOCK_SEC)

void
redis_away_begin(struct redis_client *c, const char *words)
{
	snprintf(c->away.words, sizeof(c->away.words), "%s", words);
	if (c->away.since == 0) {
		c->away.since = clock_wall_us();
		c->away.unsaid = true;
	}
	redis_away_go_on(c);
}

void
redis_away_go_on(struct redis_client *c)
{
	int64_t now = clock_now();

	if (!c->away.unsaid || (c->away.said != 0 && now - c->away.said < LINE_US))
		return;
	log_write(LOG_LEVEL_ERROR, "store %s is away: %s; it is tried again until it answers",
		c->name, c->away.words);
	c->away.unsaid = false;
	c->away.said = now;
}

void
redis_away_end(struct redis_client *c)
{
	if (c->away.since == 0)
		return;
	if (!c->away.unsaid)
		log_write(LOG_LEVEL_INFO, "store %s is back: %s answers", c->name, c->find.where);
	c->away.since = 0;
	c->away.unsaid = false;
}
