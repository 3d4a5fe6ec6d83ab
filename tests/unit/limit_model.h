/* SPDX-License-Identifier: MIT */
/*
 * limit_model.h - what a limit means, written down as a list of who took what, and when
 *
 * Slow and obvious: every answer is computed anew from the whole list. Steps of whatever does it
 * fast are compared with it.
 */
#ifndef TESTS_UNIT_LIMIT_MODEL_H
#define TESTS_UNIT_LIMIT_MODEL_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_MOST   4000
#define MODEL_MINUTE INT64_C(60000000)
/* Nearer to a bucket's brim than that, rounding decides. */
#define MODEL_CLOSE 1e-2

struct model_take {
	int64_t at;
	double cost[CM_LIMIT_WINDOWS];
};

struct model_pending {
	int64_t at, cost;
};

struct model {
	struct cm_limit limit;
	int64_t now;
	struct model_take takes[MODEL_MOST];
	size_t take_count;
	struct model_pending pending[MODEL_MOST];
	size_t pending_count;
};

static inline int64_t
model_burst(const struct cm_limit_window *w)
{
	return w->burst > 0 ? w->burst : w->count;
}

/*
 * What is in a window's bucket at that time: all takes poured in, leaking in between. Below zero it
 * has been empty for a while.
 */
static inline double
model_depth(const struct model *m, size_t window, int64_t now)
{
	const struct cm_limit_window *w = &m->limit.window[window];
	double rate = (double)w->count / (double)w->period_us, level = 0;
	int64_t at = 0;

	for (size_t i = 0; i < m->take_count; i++) {
		level -= (double)(m->takes[i].at - at) * rate;
		level = (level < 0 ? 0 : level) + m->takes[i].cost[window];
		at = m->takes[i].at;
	}
	return level - (double)(now - at) * rate;
}

static inline double
model_level(const struct model *m, size_t window, int64_t now)
{
	double depth = model_depth(m, window, now);

	return depth < 0 ? 0 : depth;
}

static inline int64_t
model_sum(const struct model *m)
{
	int64_t sum = 0;

	for (size_t i = 0; i < m->pending_count; i++)
		sum += m->pending[i].cost;
	return sum;
}

static inline void
model_take(struct model *m, const double *cost)
{
	struct model_take *t = &m->takes[m->take_count++];

	t->at = m->now;
	for (size_t i = 0; i < m->limit.windows; i++)
		t->cost[i] = cost[i];
}

/* What is in the buckets now, as if it had been taken now, and at most that. */
static inline void
model_settle(struct model *m, const double *levels)
{
	double cost[CM_LIMIT_WINDOWS];

	for (size_t i = 0; i < m->limit.windows; i++) {
		double most = (double)model_burst(&m->limit.window[i]) * (m->limit.strict ? 2 : 1);

		cost[i] = levels[i] < most ? levels[i] : most;
	}
	m->take_count = 0;
	model_take(m, cost);
}

static inline void
model_forget(struct model *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->pending_count; i++) {
		int64_t minute = m->pending[i].at / MODEL_MINUTE, now = m->now / MODEL_MINUTE;

		if (minute <= now && minute > now - 16)
			m->pending[kept++] = m->pending[i];
	}
	m->pending_count = kept;
}

/* A clock that is set back adds what would have leaked meanwhile, up to the brim. */
static inline void
model_move(struct model *m, int64_t by)
{
	double levels[CM_LIMIT_WINDOWS];

	for (size_t i = 0; i < m->limit.windows; i++) {
		const struct cm_limit_window *w = &m->limit.window[i];
		double leaks = (double)-by * (double)w->count / (double)w->period_us;

		levels[i] = model_depth(m, i, m->now) + leaks;
	}
	m->now += by;
	if (by < 0)
		model_settle(m, levels);
	model_forget(m);
}

/* A store has no entry any more: whoever is as good as never seen. */
static inline void
model_forget_all(struct model *m)
{
	if (m->pending_count > 0)
		return;
	for (size_t i = 0; i < m->limit.windows; i++) {
		if (model_depth(m, i, m->now) > 0)
			return;
	}
	m->take_count = 0;
}

/* How much too much cost would be, in the window where that is most. */
static inline double
model_over(const struct model *m, int64_t cost)
{
	double worst = -1e18;

	for (size_t i = 0; i < m->limit.windows; i++) {
		double over = model_level(m, i, m->now) + (double)model_sum(m) + (double)cost -
			      (double)model_burst(&m->limit.window[i]);

		worst = over > worst ? over : worst;
	}
	return worst;
}

static inline void
model_fill(struct model *m, int64_t cost)
{
	double costs[CM_LIMIT_WINDOWS];

	for (size_t i = 0; i < m->limit.windows; i++)
		costs[i] = (double)cost;
	model_take(m, costs);
}

/* No bucket is fuller than it can be. */
static inline void
model_pour(struct model *m, int64_t cost)
{
	double levels[CM_LIMIT_WINDOWS];

	model_fill(m, cost);
	for (size_t i = 0; i < m->limit.windows; i++)
		levels[i] = model_level(m, i, m->now);
	model_settle(m, levels);
}

/* What is refused counts as well, up to two bursts. */
static inline void
model_refuse(struct model *m, int64_t cost)
{
	for (size_t i = 0; i < m->limit.windows; i++) {
		if (cost > model_burst(&m->limit.window[i]))
			return;
	}
	model_pour(m, cost);
}

/* Takes the reservation out of the list, wherever it is; it may be forgotten. */
static inline void
model_end(struct model *m, int64_t at, int64_t cost)
{
	for (size_t i = 0; i < m->pending_count; i++) {
		if (m->pending[i].at / MODEL_MINUTE == at / MODEL_MINUTE &&
			m->pending[i].cost == cost) {
			m->pending[i] = m->pending[--m->pending_count];
			return;
		}
	}
}

#endif
