/* SPDX-License-Identifier: MIT */
/*
 * explain_typed.c - SMTP as somebody types it, or a pipe: lines, a path with parameters, a message
 */
#include "explain_typed.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"

#define BLANKS " \t"

enum typed
typed_line(FILE *in, char line[TYPED_LINE_MOST])
{
	size_t len = 0;
	bool nul = false, any = false;
	int c;

	while ((c = getc(in)) != EOF && c != '\n') {
		any = true;
		nul = nul || c == '\0';
		if (len < TYPED_LINE_MOST)
			line[len++] = (char)c;
	}
	if (c == EOF && !any)
		return TYPED_END;
	if (len == TYPED_LINE_MOST) {
		line[0] = '\0';
		return TYPED_TOO_LONG;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	return nul ? TYPED_NUL : TYPED_LINE;
}

/* --- the message --- */

/* One line with its end, without a doubled dot. False: it was the last. */
static bool
end_line(struct buf *message, size_t begin)
{
	char *line = message->data + begin;
	size_t len = message->len - begin;

	if (len <= 3 && (strcmp(line, ".\n") == 0 || strcmp(line, ".\r\n") == 0)) {
		message->len = begin;
		*line = '\0';
		return false;
	}
	if (line[0] == '.') {
		memmove(line, line + 1, len);
		message->len--;
	}
	return true;
}

enum typed
typed_message(FILE *in, struct buf *message)
{
	bool too_long = false, partial = false; /* partial: the line's beginning is gone */
	size_t begin = 0;
	int c;

	buf_clear(message);
	while ((c = getc(in)) != EOF) {
		buf_add_char(message, (char)c);
		if (c == '\n' && !partial && !end_line(message, begin))
			return too_long ? TYPED_TOO_LONG : TYPED_LINE;
		/* The rest is read, for its end is what it is about. */
		if (message->len > TYPED_MESSAGE_MOST || (too_long && c == '\n')) {
			too_long = true;
			buf_clear(message);
		}
		partial = too_long && c != '\n' && (partial || message->len == 0);
		if (c == '\n')
			begin = message->len;
	}
	return TYPED_END;
}

/* --- a path --- */

/* Behind the bracket that ends it; one in a quoted string does not (RFC 5321 section 4.1.2). */
static char *
end_of_path(char *path)
{
	bool quoted = false;

	if (*path != '<')
		return path + strcspn(path, BLANKS);
	for (; *path != '\0'; path++) {
		if (quoted && *path == '\\' && path[1] != '\0')
			path++;
		else if (*path == '"')
			quoted = !quoted;
		else if (*path == '>' && !quoted)
			return path + 1;
	}
	return path;
}

bool
typed_path(char *text, const char *word, struct typed_path *out)
{
	size_t len = strlen(word), count = 0;
	char *rest, *arg;

	*out = (struct typed_path){0};
	if (strncasecmp(text, word, len) != 0 || text[len] != ':')
		return false;
	out->path = text + len + 1 + strspn(text + len + 1, BLANKS);
	rest = end_of_path(out->path);
	if (*rest != '\0' && strchr(BLANKS, *rest) != NULL)
		*rest++ = '\0';
	else if (*rest != '\0')
		rest = strchr(rest, '\0');
	while ((arg = strsep(&rest, BLANKS)) != NULL && count < TYPED_ARGS_MOST) {
		if (*arg != '\0')
			out->args[count++] = arg;
	}
	return true;
}
