/* SPDX-License-Identifier: MIT */
/*
 * limit_random.h - random steps of a random limit, compared with the model
 *
 * Whatever takes the steps (the arithmetic alone, a store of any type) must answer as the list of
 * limit_model.h says.
 */
#ifndef TESTS_UNIT_LIMIT_RANDOM_H
#define TESTS_UNIT_LIMIT_RANDOM_H

#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "limit_model.h"

#define RANDOM_SECOND INT64_C(1000000)
#define RANDOM_HOUR   (3600 * RANDOM_SECOND)
#define RANDOM_NOW    (INT64_C(1800000000) * RANDOM_SECOND)

struct random_steps {
	uint64_t seed;
	/* One step; by: how far the clock, which begins at RANDOM_NOW, has moved since the last. */
	void (*step)(const struct cm_limit *, const struct cm_limit_take *, int64_t now, int64_t by,
		struct cm_limit_answer *);
	int64_t last; /* now of the step before */
	struct model model;
};

static inline int64_t
random_below(struct random_steps *r, int64_t most)
{
	r->seed = r->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t)((r->seed >> 33) % (uint64_t)most);
}

static inline void
random_limit(struct random_steps *r)
{
	static const int64_t periods[] = {RANDOM_SECOND, 10 * RANDOM_SECOND, 60 * RANDOM_SECOND,
		RANDOM_HOUR, 24 * RANDOM_HOUR};
	struct cm_limit *limit = &r->model.limit;

	*limit = (struct cm_limit){
		.windows = 1 + (size_t)random_below(r, 5), .strict = random_below(r, 3) == 0};
	for (size_t i = 0; i < limit->windows; i++) {
		limit->window[i].period_us = periods[i];
		limit->window[i].count = 1 + random_below(r, 100);
		limit->window[i].burst = random_below(r, 2) == 0 ? 0 : 1 + random_below(r, 50);
	}
}

static inline void
random_move(struct random_steps *r)
{
	static const int64_t moves[] = {
		RANDOM_SECOND / 10, RANDOM_SECOND, 20 * RANDOM_SECOND, 600 * RANDOM_SECOND};

	switch (random_below(r, 40)) {
	case 0:
		model_move(&r->model, -random_below(r, 48 * RANDOM_HOUR));
		break;
	case 1:
		model_move(&r->model, random_below(r, 48 * RANDOM_HOUR));
		break;
	default:
		model_move(&r->model, random_below(r, moves[random_below(r, 4)]));
	}
}

static inline void
random_step(struct random_steps *r, const struct cm_limit_take *take, struct cm_limit_answer *a)
{
	r->step(&r->model.limit, take, r->model.now, r->model.now - r->last, a);
	r->last = r->model.now;
}

static inline void
random_reserve(struct random_steps *r)
{
	struct model *m = &r->model;
	struct cm_limit_take take = {CM_LIMIT_RESERVE, 1 + random_below(r, 8), 0, 0};
	double over = model_over(m, take.cost);
	struct cm_limit_answer a;

	if (fabs(over) < MODEL_CLOSE && over != 0)
		return;
	random_step(r, &take, &a);
	ck_assert_msg(a.ok == (over < MODEL_CLOSE), "over by %f, taken: %d", over, a.ok);
	if (a.ok)
		m->pending[m->pending_count++] = (struct model_pending){m->now, take.cost};
	else if (m->limit.strict)
		model_refuse(m, take.cost);
}

static inline void
random_end(struct random_steps *r)
{
	struct model *m = &r->model;
	struct cm_limit_answer a;
	struct cm_limit_take take;
	struct model_pending p;

	if (m->pending_count == 0)
		return;
	p = m->pending[random_below(r, (int64_t)m->pending_count)];
	take = (struct cm_limit_take){random_below(r, 2) == 0 ? CM_LIMIT_COMMIT : CM_LIMIT_RELEASE,
		random_below(r, p.cost + 1), p.cost, p.at};
	random_step(r, &take, &a);
	model_end(m, p.at, p.cost);
	if (take.step == CM_LIMIT_COMMIT)
		model_pour(m, take.cost);
}

/* stored: an entry that says nothing is removed, and what it knew does not come back with an
 * earlier time. */
static inline void
random_run(uint64_t seed, int count, bool stored,
	void (*step)(const struct cm_limit *, const struct cm_limit_take *, int64_t now, int64_t by,
		struct cm_limit_answer *))
{
	static const struct cm_limit_take nothing = {CM_LIMIT_RELEASE, 0, 0, RANDOM_NOW};
	struct random_steps *r = calloc(1, sizeof(*r));
	struct cm_limit_answer a;

	*r = (struct random_steps){.seed = seed, .step = step, .last = RANDOM_NOW};
	r->model.now = RANDOM_NOW;
	random_limit(r);
	for (int i = 0; i < count; i++) {
		random_move(r);
		/* Only who looks sees a clock that goes forth and back. */
		random_step(r, &nothing, &a);
		if (stored)
			model_forget_all(&r->model);
		if (random_below(r, 3) == 0)
			random_end(r);
		else
			random_reserve(r);
		if (stored)
			model_forget_all(&r->model);
	}
	free(r);
}

#endif
