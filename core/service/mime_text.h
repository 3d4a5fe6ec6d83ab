/* SPDX-License-Identifier: MIT */
/*
 * mime_text.h - the value of a header field as a reader of mail sees it
 */
#ifndef CORE_SERVICE_MIME_TEXT_H
#define CORE_SERVICE_MIME_TEXT_H

#include <stdbool.h>

/* Octets of a text with its NUL; what is longer is cut behind a character. */
#define MIME_TEXT_SIZE 16384u

/* Asked from time to time: false is for the decoder to end. */
struct mime_text_clock {
	bool (*in_time)(void *data);
	void *data;
};

/*
 * Unfolds a value, decodes its encoded words (RFC 2047) wherever they stand, and trims blanks
 * around it. Gives valid UTF-8 without control characters: tabs and ends of lines become blanks,
 * others U+FFFD, as do octets that are no text and charsets that mail programs do not know. False:
 * not in time, and out holds the beginning. After mime_fields_open().
 */
bool mime_text(const char *value, const struct mime_text_clock *, char out[MIME_TEXT_SIZE]);

#endif
