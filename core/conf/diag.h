/* SPDX-License-Identifier: MIT */
/*
 * diag.h - mistakes in a configuration, all of them, where they are
 *
 * Collected while loading, printed once: file:line:column, the line, a caret, help. The wording and
 * layout are those of docs/CONFIG.md.
 */
#ifndef CORE_CONF_DIAG_H
#define CORE_CONF_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct arena;
struct err;

/* One file as read; the text is kept so that a mistake can show its line. */
struct conf_source {
	const char *name; /* as shown to people */
	const char *text;
	size_t len;
	const struct conf_source *includer; /* NULL: the main file */
	unsigned includer_line;
};

struct conf_pos {
	const struct conf_source *source; /* NULL: no line can be shown */
	unsigned line, column;		  /* from 1; line 0: the whole file */
	unsigned width;			  /* of the caret; 0 counts as 1 */
};

struct diag;

struct diag *diag_new(void);
void diag_free(struct diag *);

/* All texts, names and lines are copied. label stands behind the caret and may be NULL. */
void diag_error(struct diag *, struct conf_pos, const char *label, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void diag_warn(struct diag *, struct conf_pos, const char *label, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* A mistake in another file (a map, a script): "name:line: ..."; line 0: without one. */
void diag_error_in(struct diag *, const char *name, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void diag_warn_in(struct diag *, const char *name, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Behind the words of the latest mistake, if that is one in another file. */
void diag_append_in(struct diag *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A "= help:" line of the latest mistake. */
void diag_help(struct diag *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * Errors behind the first so many become warnings, for what they are about is left out. The first
 * of them goes to *first, "x.lua:2: words".
 */
void diag_forgive(struct diag *, size_t errors, struct err *first);
/* A syntax error was seen: checks of what names what would only print follow-up errors. */
void diag_set_broken(struct diag *);
bool diag_broken(const struct diag *);
/* A part could not be read, or it is broken: nobody knows what is not defined. */
void diag_set_incomplete(struct diag *);
bool diag_incomplete(const struct diag *);

size_t diag_errors(const struct diag *);
/* The words of the first mistake alone; NULL: there is none. */
const char *diag_first(const struct diag *);
/* And of its first help; NULL: it has none. */
const char *diag_first_help(const struct diag *);
/* The first error that is printed, "filter.conf:2:1: words" in one line; there must be one. */
void diag_tell_first(const struct diag *, struct err *);
size_t diag_warnings(const struct diag *);
/* In order of file and line, without the closing sentence. Color only when told. */
void diag_print(const struct diag *, FILE *);
/* One JSON array of {file,line,column,severity,message,help}. */
void diag_print_json(const struct diag *, FILE *);
/* "2 errors, 3 warnings." */
void diag_print_count(const struct diag *, FILE *);

#endif
