/* SPDX-License-Identifier: MIT */
/*
 * diag.c - mistakes in a configuration, all of them, where they are
 *
 * Collects. Everything a mistake needs is copied, so that it can be printed when the configuration
 * it was found in has been thrown away.
 */
#include "diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "diag_list.h"

/* Mistakes kept; more are only counted. */
#define KEPT_MOST 200u
/* Octets of a line that are shown. */
#define SHOWN_MOST 400u

struct diag *
diag_new(void)
{
	struct diag *d = mem_zalloc(1, sizeof(*d));

	arena_init(&d->arena, 4096);
	d->last = &d->mistakes;
	return d;
}

void
diag_free(struct diag *d)
{
	if (d == NULL)
		return;
	arena_fini(&d->arena);
	free(d);
}

/* The parser bounds how deep files include each other. */
static const struct diag_file *
file_of(struct diag *d, const struct conf_source *source)
{
	struct diag_file *f;

	if (source == NULL)
		return NULL;
	for (f = d->files; f != NULL; f = f->next) {
		if (f->source == source)
			return f;
	}
	f = arena_alloc(&d->arena, sizeof(*f));
	f->source = source;
	f->name = arena_strdup(&d->arena, source->name);
	f->includer = file_of(d, source->includer);
	f->includer_line = source->includer_line;
	f->depth = f->includer == NULL ? 0 : f->includer->depth + 1;
	f->next = d->files;
	d->files = f;
	return f;
}

/* Copies the line the mistake is in; a NUL in it may be the mistake. */
static void
keep_line(struct diag *d, struct mistake *m, const struct conf_source *source)
{
	const char *p, *end, *stop;

	if (source == NULL || m->line == 0)
		return;
	p = source->text;
	end = source->text + source->len;
	for (unsigned i = 1; i < m->line && p != NULL; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p == NULL ? NULL : p + 1;
	}
	if (p == NULL)
		return;
	stop = memchr(p, '\n', (size_t)(end - p));
	stop = stop == NULL ? end : stop;
	if (stop > p && stop[-1] == '\r')
		stop--;
	m->shown_len = (size_t)(stop - p) > SHOWN_MOST ? SHOWN_MOST : (size_t)(stop - p);
	m->shown = arena_memdup(&d->arena, p, m->shown_len);
}

/* NULL when there are too many already. */
static __attribute__((format(printf, 3, 0))) struct mistake *
add(struct diag *d, bool error, const char *format, va_list args)
{
	struct mistake *m;

	*(error ? &d->errors : &d->warnings) += 1;
	d->latest = NULL;
	if (d->kept >= KEPT_MOST)
		return NULL;
	m = arena_alloc(&d->arena, sizeof(*m));
	m->error = error;
	m->sequence = (unsigned)d->kept++;
	m->last_help = &m->helps;
	m->text = arena_vprintf(&d->arena, format, args);
	*d->last = m;
	d->last = &m->next;
	d->latest = m;
	return m;
}

static void
place(struct diag *d, struct mistake *m, struct conf_pos pos, const char *label)
{
	if (m == NULL)
		return;
	m->file = file_of(d, pos.source);
	m->name = m->file == NULL ? NULL : m->file->name;
	m->line = pos.line;
	m->column = pos.column;
	m->width = pos.width;
	m->label = arena_strdup(&d->arena, label);
	keep_line(d, m, pos.source);
}

static void
place_in(struct diag *d, struct mistake *m, const char *name, unsigned line)
{
	if (m == NULL)
		return;
	m->name = arena_strdup(&d->arena, name);
	m->line = line;
}

void
diag_error(struct diag *d, struct conf_pos pos, const char *label, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	place(d, add(d, true, format, args), pos, label);
	va_end(args);
}

void
diag_warn(struct diag *d, struct conf_pos pos, const char *label, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	place(d, add(d, false, format, args), pos, label);
	va_end(args);
}

void
diag_error_in(struct diag *d, const char *name, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	place_in(d, add(d, true, format, args), name, line);
	va_end(args);
}

void
diag_warn_in(struct diag *d, const char *name, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	place_in(d, add(d, false, format, args), name, line);
	va_end(args);
}

void
diag_append_in(struct diag *d, const char *format, ...)
{
	struct mistake *m = d->latest;
	va_list args;

	if (m == NULL || m->file != NULL)
		return;
	va_start(args, format);
	m->text = arena_printf(&d->arena, "%s%s", m->text, arena_vprintf(&d->arena, format, args));
	va_end(args);
}

void
diag_help(struct diag *d, const char *format, ...)
{
	struct diag_help *help;
	va_list args;

	if (d->latest == NULL)
		return;
	help = arena_alloc(&d->arena, sizeof(*help));
	va_start(args, format);
	help->text = arena_vprintf(&d->arena, format, args);
	va_end(args);
	*d->latest->last_help = help;
	d->latest->last_help = &help->next;
}

void
diag_forgive(struct diag *d, size_t errors, struct err *first)
{
	size_t seen = 0;

	err_set(first, "too many mistakes");
	for (struct mistake *m = d->mistakes; m != NULL; m = m->next) {
		if (!m->error || ++seen <= errors)
			continue;
		if (seen == errors + 1)
			diag_tell(m, first);
		m->error = false;
	}
	d->warnings += d->errors - errors;
	d->errors = errors;
}

void
diag_set_broken(struct diag *d)
{
	d->broken = true;
}

bool
diag_broken(const struct diag *d)
{
	return d->broken;
}

void
diag_set_incomplete(struct diag *d)
{
	d->incomplete = true;
}

bool
diag_incomplete(const struct diag *d)
{
	return d->incomplete || d->broken;
}

const char *
diag_first(const struct diag *d)
{
	return d->mistakes == NULL ? NULL : d->mistakes->text;
}

const char *
diag_first_help(const struct diag *d)
{
	const struct mistake *m = d->mistakes;

	return m == NULL || m->helps == NULL ? NULL : m->helps->text;
}

size_t
diag_errors(const struct diag *d)
{
	return d->errors;
}

size_t
diag_warnings(const struct diag *d)
{
	return d->warnings;
}
