/* SPDX-License-Identifier: MIT */
/*
 * err.c - why a load or a start failed, in words
 *
 * The text is cut rather than grown: it is one sentence for a person.
 */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
err_set(struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return false;
}

bool
err_errno(struct err *err, const char *format, ...)
{
	int saved = errno;
	char words[128];
	va_list args;
	size_t len;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	len = strlen(err->text);
	/* The GNU strerror_r may answer with a constant instead of filling words. */
	snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		strerror_r(saved, words, sizeof(words)));
	return false;
}
