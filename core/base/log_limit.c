/* SPDX-License-Identifier: MIT */
/*
 * log_limit.c - lines that strangers could make us write without end
 */
#include "log_limit.h"

#include <stdarg.h>
#include <stdbool.h>

#include "buf.h"

#define LINE_MOST 1000u

/* lost: lines of the period before that were not written. */
static bool
may_write(struct log_limit *l, unsigned *lost)
{
	int64_t now = clock_now();
	bool may;

	*lost = 0;
	pthread_mutex_lock(&l->lock);
	if (l->began == 0 || now - l->began >= l->period) {
		*lost = l->lost;
		l->began = now;
		l->written = l->lost = 0;
	}
	may = l->written < l->most;
	if (may)
		l->written++;
	else
		l->lost++;
	pthread_mutex_unlock(&l->lock);
	return may;
}

void
log_limited(struct log_limit *l, enum log_level level, const char *format, ...)
{
	struct buf line;
	unsigned lost;
	va_list args;

	if (!log_wanted(level) || !may_write(l, &lost))
		return;
	buf_init(&line, LINE_MOST);
	va_start(args, format);
	buf_vprintf(&line, format, args);
	va_end(args);
	if (lost > 0)
		log_write(level, "%s (%u such lines were left out)", line.data, lost);
	else
		log_write(level, "%s", line.data);
	buf_fini(&line);
}
