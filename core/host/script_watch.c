/* SPDX-License-Identifier: MIT */
/*
 * script_watch.c - the watchdog: arms the count hook of a hook that runs long
 *
 * An armed count hook makes bytecode half as fast, so it is armed only for what has run for a tick
 * of the watchdog, each tick anew. lua_sethook() may interrupt Lua but must not race with it (it
 * walks a list that the running thread frees from): so the watchdog sends the thread a signal, and
 * the handler arms. SIGURG is ignored by default and used by nobody else. Where the signal does not
 * get through (blocked, or held back by a sanitizer) the watchdog arms the hook itself after a
 * while: a small risk, against an endless loop.
 *
 * The table of slots is the only state shared with the handler. A thread changes slots only for its
 * own runs, so what the handler finds there for its thread cannot change under its feet.
 */
#include <lauxlib.h>
#include <lua.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "script_state.h"

#define SLOTS 1024
/* Ticks without an answer to the signal until the watchdog acts itself. */
#define PATIENCE 4u
/* Ticks without anything to watch until the watchdog falls asleep. */
#define IDLE_TICKS 100u
#define TICK_LEAST (1 * CLOCK_MS)
#define TICK_MOST  (10 * CLOCK_MS)

struct script_watch_slot {
	atomic_bool claimed;
	atomic_bool answered; /* the handler ran since the watchdog looked */
	atomic_bool poked;    /* the watchdog is in lua_sethook() */
	_Atomic pthread_t thread;
	_Atomic(lua_State *) co; /* what the thread runs; NULL: nothing */
};

static struct script_watch_slot slots[SLOTS];

struct script_watch_slot *
script_watch_claim(void)
{
	for (size_t i = 0; i < SLOTS; i++) {
		if (!atomic_exchange(&slots[i].claimed, true))
			return &slots[i];
	}
	return NULL;
}

void
script_watch_release(struct script_watch_slot *slot)
{
	if (slot != NULL)
		atomic_store(&slot->claimed, false);
}

void
script_watch_begin(struct script_state *st)
{
	atomic_store(&st->slot->answered, false);
	atomic_store(&st->slot->thread, pthread_self());
	atomic_store(&st->slot->co, st->run->co);
}

void
script_watch_end(struct script_state *st)
{
	if (st->slot == NULL)
		return;
	atomic_store(&st->slot->co, NULL);
	while (atomic_load(&st->slot->poked))
		sched_yield();
}

static void
arm(lua_State *co)
{
	lua_sethook(co, script_on_count, LUA_MASKCOUNT, 1);
}

/* In the thread whose hook runs long; anybody else's signal finds nothing to do. */
static void
on_signal(int number)
{
	pthread_t self = pthread_self();

	(void)number;
	for (size_t i = 0; i < SLOTS; i++) {
		lua_State *co = atomic_load(&slots[i].co);

		if (co == NULL || !pthread_equal(atomic_load(&slots[i].thread), self))
			continue;
		atomic_store(&slots[i].answered, true);
		arm(co);
	}
}

/* The run cannot end while poked is set, so its coroutine stays. */
static void
poke(struct script_watch_slot *slot)
{
	lua_State *co;

	atomic_store(&slot->poked, true);
	co = atomic_load(&slot->co);
	if (co != NULL)
		arm(co);
	atomic_store(&slot->poked, false);
}

/* Under the lock: a busy state stays busy, so its thread exists. */
static void
watch(struct script_state *st)
{
	if (++st->ticks < 2)
		return;
	/* One answer says nothing of the next: a loop may be entered after it. */
	if (atomic_exchange(&st->slot->answered, false))
		st->ticks = 2;
	if (st->ticks > PATIENCE)
		poke(st->slot);
	else
		pthread_kill(st->thread, SIGURG);
}

static void
sleep_us(int64_t us)
{
	struct timespec t = {.tv_sec = us / CLOCK_SEC, .tv_nsec = us % CLOCK_SEC * 1000};

	nanosleep(&t, NULL);
}

static size_t
watch_all(struct script_host *host)
{
	size_t busy = 0;

	for (size_t i = 0; i < host->state_count; i++) {
		if (!host->states[i]->busy)
			continue;
		busy++;
		watch(host->states[i]);
	}
	return busy;
}

static void *
run(void *context)
{
	struct script_host *host = context;
	unsigned idle = 0;

	pthread_mutex_lock(&host->lock);
	while (!host->stop) {
		idle = watch_all(host) > 0 ? 0 : idle + 1;
		if (idle >= IDLE_TICKS) {
			host->watching = false;
			while (!host->watching && !host->stop)
				pthread_cond_wait(&host->woken, &host->lock);
			idle = 0;
		}
		pthread_mutex_unlock(&host->lock);
		sleep_us(host->tick_us);
		pthread_mutex_lock(&host->lock);
	}
	pthread_mutex_unlock(&host->lock);
	return NULL;
}

/* An eighth of the smallest budget. */
static int64_t
tick_for(const struct script_host *host)
{
	int64_t least = TICK_MOST * 8;

	for (int i = 0; i < host->count; i++) {
		if (host->scripts[i]->cpu_us < least)
			least = host->scripts[i]->cpu_us;
	}
	return least / 8 < TICK_LEAST ? TICK_LEAST : least / 8;
}

bool
script_watch_start(struct script_host *host, struct err *err)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigset_t all, old;
	int failure;

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGURG, &action, NULL) < 0)
		return err_errno(err, "cannot handle SIGURG");
	host->tick_us = tick_for(host);
	host->watching = true;
	/* The daemon's signals are for threads that expect them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failure = pthread_create(&host->watchdog, NULL, run, host);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (failure != 0)
		return err_set(
			err, "cannot start the watchdog of Lua rules: %s", strerror(failure));
	host->started = true;
	return true;
}

void
script_watch_stop(struct script_host *host)
{
	if (!host->started)
		return;
	pthread_mutex_lock(&host->lock);
	host->stop = true;
	pthread_cond_signal(&host->woken);
	pthread_mutex_unlock(&host->lock);
	pthread_join(host->watchdog, NULL);
	host->started = false;
}
