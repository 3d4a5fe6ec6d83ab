/* SPDX-License-Identifier: MIT */
/*
 * metric.h - counters that are told by name and labels
 *
 * One registry for the process: it outlives the configuration, as those who read it expect. Names
 * and label sets have bounds, for values of labels may come from the network: what is beyond them
 * is counted as overflow, and one log line says so.
 */
#ifndef CORE_SERVICE_METRIC_H
#define CORE_SERVICE_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRIC_LABELS	  8u
#define METRIC_NAME_SIZE  64u /* of names of metrics and labels, with their NUL */
#define METRIC_VALUE_SIZE 65u /* longer values are cut */
#define METRICS_MOST	  128u
#define METRIC_SETS_MOST  100u /* label sets of one metric */

struct metric_label {
	const char *name, *value;
};

/* Letters, digits and _, no digit first, not too long: chainmail_rule_NAME_total is well formed. */
bool metric_name_ok(const char *);
/* The same for a label; not "__...", which is Prometheus's own. */
bool metric_label_ok(const char *);
/*
 * Adds one to chainmail_rule_NAME_total with that label set, sorted by name (none twice, at most
 * METRIC_LABELS; names are ok). Octets of values that are not printable ASCII become '?'.
 */
void metric_count(const char *name, const struct metric_label *, size_t count);

/* What a reader is shown: all of one metric together, names and label sets in their order. */
struct metric_sample {
	const char *name;   /* chainmail_rule_x_total */
	const char *labels; /* as in the text form: a="b",c="d"; "": none */
	uint64_t value;
};

/* Calls each with every counter; the lock is not held. Strings are the registry's, for good. */
void metric_each(void (*each)(void *context, const struct metric_sample *), void *context);

#endif
