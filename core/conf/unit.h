/* SPDX-License-Identifier: MIT */
/*
 * unit.h - durations, sizes, rates, percentages and yes/no as text
 *
 * Each parser returns NULL when it read all of text, else a pointer to the first octet it did not
 * understand; what is wrong there is said in *why (a constant).
 */
#ifndef CORE_CONF_UNIT_H
#define CORE_CONF_UNIT_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stdint.h>

/* What *why is where only the unit is at fault. */
extern const char unit_missing[];
extern const char unit_not_of_size[];
extern const char unit_not_of_time[];

const char *unit_bool(const char *text, bool *, const char **why);
const char *unit_duration(const char *text, int64_t *us, const char **why);
const char *unit_int(const char *text, int64_t *, const char **why);
const char *unit_mode(const char *text, int64_t *, const char **why);
const char *unit_percent(const char *text, int64_t *hundredths, const char **why);
const char *unit_rate(const char *text, struct cm_rate *, const char **why);
const char *unit_size(const char *text, int64_t *octets, const char **why);
/*
 * "2026-12-31 08:00" or "2026-12-31", local time, as seconds since 1970. What a change of the
 * clocks leaves out, or has twice, is no time.
 */
const char *unit_time(const char *text, int64_t *seconds, const char **why);
/*
 * The same, and what people type: "+2h", "08:00" (the next), "today 18:00", "tomorrow",
 * "tomorrow 08:00". now: seconds since 1970; what is not behind it is none.
 */
const char *unit_when(const char *text, int64_t now, int64_t *seconds, const char **why);

/* "1h30min" of microseconds, for people; out has 32 octets. */
void unit_duration_text(int64_t us, char *out);

#endif
