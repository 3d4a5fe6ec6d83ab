/* SPDX-License-Identifier: MIT */
/*
 * notice_text.c - a notice as a message
 *
 * Subject and text may hold what a stranger wrote. The subject is printable ASCII or encoded words
 * (RFC 2047), the text is base64, so neither can end a field, the message, or the command DATA.
 */
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/text.h"
#include "notice.h"

#define REPLACEMENT "\xef\xbf\xbd"
/* An encoded word has at most 75 characters (RFC 2047 section 2): 45 octets are 60 of them. */
#define WORD_OCTETS 45u
#define LINE_OCTETS 57u /* 76 characters (RFC 2045 section 6.8) */

/* Text as UTF-8 without control characters; lines: ends of lines become CRLF, tabs stay. */
static void
add_clean(struct buf *b, const char *text, size_t most, bool lines)
{
	size_t len = strnlen(text, most);

	/* Not in the middle of a character. */
	for (size_t i = 0; i < 3 && len + i == most && ((unsigned char)text[len] & 0xc0) == 0x80;
		i++)
		len--;
	for (size_t i = 0; i < len; i++) {
		size_t good = text_utf8_valid(text + i, len - i);

		for (size_t k = 0; k < good; k++) {
			char c = text[i + k];

			if (lines && c == '\n')
				buf_add_str(b, "\r\n");
			else if (((unsigned char)c < ' ' && !(lines && c == '\t')) || c == 0x7f)
				buf_add_str(b, c == '\r' ? "" : " ");
			else
				buf_add_char(b, c);
		}
		i += good;
		if (i < len)
			buf_add_str(b, REPLACEMENT);
	}
}

static void
add_base64(struct buf *b, const char *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)data;

	for (size_t i = 0; i < len; i += 3) {
		unsigned three = (unsigned)p[i] << 16;

		three |= i + 1 < len ? (unsigned)p[i + 1] << 8 : 0;
		three |= i + 2 < len ? p[i + 2] : 0;
		buf_add_char(b, digits[three >> 18]);
		buf_add_char(b, digits[three >> 12 & 63]);
		buf_add_char(b, i + 1 < len ? digits[three >> 6 & 63] : '=');
		buf_add_char(b, i + 2 < len ? digits[three & 63] : '=');
	}
}

static bool
is_plain(const struct buf *text)
{
	for (size_t i = 0; i < text->len; i++) {
		if ((unsigned char)text->data[i] >= 0x7f)
			return false;
	}
	return strstr(text->data, "=?") == NULL;
}

/* Each word holds whole characters (RFC 2047 section 5). */
static void
add_words(struct buf *b, const struct buf *text)
{
	for (size_t i = 0, n; i < text->len; i += n) {
		n = text->len - i < WORD_OCTETS ? text->len - i : WORD_OCTETS;
		while (i + n < text->len && ((unsigned char)text->data[i + n] & 0xc0) == 0x80)
			n--;
		buf_add_str(b, i > 0 ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?");
		add_base64(b, text->data + i, n);
		buf_add_str(b, "?=");
	}
}

static void
add_subject(struct buf *b, const char *subject)
{
	struct buf text;

	buf_init(&text, 0);
	add_clean(&text, subject, NOTICE_SUBJECT, false);
	buf_add_str(b, "Subject: ");
	if (is_plain(&text))
		buf_add(b, text.data, text.len);
	else
		add_words(b, &text);
	buf_add_str(b, "\r\n");
	buf_fini(&text);
}

/* RFC 5322 section 3.3; the process keeps the locale C. */
static void
add_date(struct buf *b, int64_t wall)
{
	time_t at = (time_t)wall;
	char text[64] = "";
	struct tm tm;

	if (gmtime_r(&at, &tm) != NULL)
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	buf_printf(b, "Date: %s\r\n", text);
}

void
notice_write(struct buf *b, const struct notice_settings *set, const struct notice *n, int64_t wall,
	const char *token)
{
	struct buf text;

	buf_printf(b, "From: Chainmail <%s>\r\nTo: <%s>\r\n", set->from, n->to);
	add_subject(b, n->subject);
	add_date(b, wall);
	buf_printf(b,
		"Message-ID: <%s@%s>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n",
		token, set->host);
	buf_init(&text, 0);
	add_clean(&text, n->text, NOTICE_TEXT, true);
	buf_printf(&text, "\r\n\r\n-- \r\n%s on %s, message %s\r\n", n->by, set->host, n->id);
	for (size_t i = 0; i < text.len; i += LINE_OCTETS) {
		add_base64(
			b, text.data + i, text.len - i < LINE_OCTETS ? text.len - i : LINE_OCTETS);
		buf_add_str(b, "\r\n");
	}
	buf_fini(&text);
}
