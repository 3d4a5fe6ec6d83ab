/* SPDX-License-Identifier: MIT */
/*
 * text.h - small questions about strings, and text made safe for people
 *
 * Everything from the network passes one of the escaping functions before it is shown.
 */
#ifndef CORE_BASE_TEXT_H
#define CORE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_NUMBER 21

struct buf;

/* ASCII only, independent of the locale. */
bool text_equal_nocase(const char *, const char *);
char text_lower(char);
/* Lower-cases in place. */
void text_lower_all(char *);
/* Writes n in digits and a NUL behind them; out has TEXT_NUMBER octets. Returns the NUL's place. */
char *text_number(char *out, uint64_t n);
/* Puts '?' in the place of control characters. */
void text_clean(char *);
/* Appends text with control, non-ASCII and backslash octets as \xNN; quotes as given. */
void text_escape(struct buf *, const char *, size_t len);
/* The same, and blanks as \x20: a word stays one. */
void text_escape_word(struct buf *, const char *, size_t len);
/* The same as text_escape() between double quotes, with \" for quotes inside. */
void text_quote(struct buf *, const char *, size_t len);
/* A JSON string with its quotes; octets that are not UTF-8 become U+FFFD. */
void text_json(struct buf *, const char *, size_t len);
/* Octet at which text stops being valid UTF-8 without NUL, or len. */
size_t text_utf8_valid(const char *, size_t len);

/* Edit distance (transposition counts 1); gives up past limit and returns limit + 1. */
size_t text_distance(const char *, const char *, size_t limit);
/* The nearest of count candidates within distance 2 (never all of a short word), or NULL. */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);
/* The end of an absolute path that is below the working directory; else the path. */
const char *text_path_here(const char *path);

#endif
