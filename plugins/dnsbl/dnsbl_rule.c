/* SPDX-License-Identifier: MIT */
/*
 * dnsbl_rule.c - what stands in filter.conf: zones, codes, lines
 *
 * A line is ZONE and then NAME=VALUE, with text=... as the last, which may hold blanks. What it
 * does not say is taken from the settings beside `zones`.
 */
#include "dnsbl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(table) (sizeof(table) / sizeof(*(table)))

#define DIGITS	    "0123456789"
#define HEADER_MOST 128

static const char *const actions[] = {"reject", "tempfail", "tag", "accept", "allow"};

static bool CM_PRINTF(3, 4) refuse(char *why, size_t why_size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, why_size, format, args);
	va_end(args);
	return false;
}

/* --- values --- */

bool
dnsbl_check_zone(const char *text, char *why, size_t why_size)
{
	char question[DNSBL_QUESTION_SIZE];

	return dnsbl_question(question, text, false, "") ||
	       refuse(why, why_size, "\"%.60s\" is no zone: write a name such as zen.spamhaus.org",
		       text);
}

bool
dnsbl_check_test(const char *text, char *why, size_t why_size)
{
	char question[DNSBL_QUESTION_SIZE];

	return dnsbl_test_question(question, text, "") ||
	       refuse(why, why_size, "\"%.60s\" is no test: write an address, a name, or no", text);
}

/* RFC 5322 section 2.2; the host takes no longer one. */
bool
dnsbl_check_header(const char *text, char *why, size_t why_size)
{
	size_t len = 0;

	while (text[len] > ' ' && text[len] <= '~' && text[len] != ':')
		len++;
	return (len > 0 && len <= HEADER_MOST && text[len] == '\0') ||
	       refuse(why, why_size, "\"%.60s\" is not the name of a header field", text);
}

static bool
take_octet(const char **p, unsigned char *octet)
{
	size_t digits = strspn(*p, DIGITS);
	unsigned long value = digits == 0 || digits > 3 ? 256 : strtoul(*p, NULL, 10);

	*octet = (unsigned char)value;
	*p += digits;
	return value < 256;
}

/* "2", "2-11" or "*" */
static bool
take_part(const char **p, unsigned char *low, unsigned char *high)
{
	if (**p == '*') {
		*low = 0;
		*high = 255;
		(*p)++;
		return true;
	}
	if (!take_octet(p, low))
		return false;
	*high = *low;
	if (**p != '-')
		return true;
	(*p)++;
	return take_octet(p, high) && *low <= *high;
}

static bool
parse_code(struct dnsbl_codes *c, const char *text)
{
	const char *p = text;

	for (size_t i = 0; i < 4; i++) {
		if ((i > 0 && *p++ != '.') || !take_part(&p, &c->low[i], &c->high[i]))
			return false;
	}
	return *p == '\0' && c->low[0] == 127 && c->high[0] == 127;
}

bool
dnsbl_check_code(const char *text, char *why, size_t why_size)
{
	struct dnsbl_codes c;

	return parse_code(&c, text) ||
	       refuse(why, why_size,
		       "\"%.60s\" is no code: write 127.0.0.2, 127.0.0.2-11 or 127.0.*.1-3", text);
}

void
dnsbl_add_code(struct dnsbl_rule *r, const char *text)
{
	parse_code(&r->codes[r->code_count++], text);
}

/* DNSBL_SUBJECTS: none. */
static size_t
find_subject(const char *name)
{
	size_t i = 0;

	while (i < DNSBL_SUBJECTS && strcmp(dnsbl_subjects[i].name, name) != 0)
		i++;
	return i;
}

bool
dnsbl_check_about(const char *text, char *why, size_t why_size)
{
	return find_subject(text) < DNSBL_SUBJECTS ||
	       refuse(why, why_size,
		       "\"%.60s\" is nothing to ask about: client, client_name, helo, sender",
		       text);
}

void
dnsbl_add_about(struct dnsbl_rule *r, const char *text)
{
	r->about |= 1u << find_subject(text);
}

/* --- lines --- */

static bool
parse_action(struct dnsbl_rule *r, char *value, char *why, size_t why_size)
{
	for (size_t i = 0; i < LENGTH(actions); i++) {
		if (strcmp(actions[i], value) != 0)
			continue;
		r->action = (int)i;
		return true;
	}
	return refuse(why, why_size, "action=%.60s is none of reject, tempfail, tag, accept, allow",
		value);
}

/* Items with commas between them. */
static bool
parse_items(struct dnsbl_rule *r, char *value, bool (*check)(const char *, char *, size_t),
	void (*store)(struct dnsbl_rule *, const char *), char *why, size_t why_size)
{
	char *item;

	for (size_t n = 0; (item = strsep(&value, ",")) != NULL; n++) {
		if (n == DNSBL_CODES_MOST)
			return refuse(why, why_size, "more than %u codes", DNSBL_CODES_MOST);
		if (!check(item, why, why_size))
			return false;
		store(r, item);
	}
	return true;
}

static bool
parse_about(struct dnsbl_rule *r, char *value, char *why, size_t why_size)
{
	r->about = 0;
	return parse_items(r, value, dnsbl_check_about, dnsbl_add_about, why, why_size);
}

static bool
parse_codes(struct dnsbl_rule *r, char *value, char *why, size_t why_size)
{
	r->code_count = 0;
	return parse_items(r, value, dnsbl_check_code, dnsbl_add_code, why, why_size);
}

static bool
parse_test(struct dnsbl_rule *r, char *value, char *why, size_t why_size)
{
	r->test = value;
	return dnsbl_check_test(value, why, why_size);
}

static bool
parse_weight(struct dnsbl_rule *r, char *value, char *why, size_t why_size)
{
	char *end;
	long weight = strtol(value, &end, 10);

	r->weight = weight;
	if (end != value && *end == '\0' && weight != 0 && weight >= -DNSBL_WEIGHT_MOST &&
		weight <= DNSBL_WEIGHT_MOST)
		return true;
	return refuse(why, why_size, "weight=%.60s is no number from 1 to %d, or from -%d to -1",
		value, DNSBL_WEIGHT_MOST, DNSBL_WEIGHT_MOST);
}

static const struct {
	const char *name;
	bool (*parse)(struct dnsbl_rule *, char *value, char *why, size_t why_size);
} words[] = {
	{"about=", parse_about},
	{"action=", parse_action},
	{"codes=", parse_codes},
	{"test=", parse_test},
	{"weight=", parse_weight},
};

/* Cuts the first word off and moves behind the blanks that follow it. */
static char *
take_word(char **p)
{
	char *word = *p + strspn(*p, " \t");
	size_t len = strcspn(word, " \t");

	*p = word + len + strspn(word + len, " \t");
	word[len] = '\0';
	return word;
}

static bool
parse_word(struct dnsbl_rule *r, char *word, char *why, size_t why_size)
{
	for (size_t i = 0; i < LENGTH(words); i++) {
		size_t len = strlen(words[i].name);

		if (strncmp(words[i].name, word, len) == 0)
			return words[i].parse(r, word + len, why, why_size);
	}
	return refuse(why, why_size,
		"\"%.60s\" behind %.60s: write about=, action=, codes=, test=, weight=, and text= "
		"as the last",
		word, r->zone);
}

bool
dnsbl_rule_parse(struct dnsbl_rule *r, const char *line, char *why, size_t why_size)
{
	char *p = r->line = strdup(line);

	if (p == NULL)
		return refuse(why, why_size, "no memory");
	r->zone = take_word(&p);
	if (!dnsbl_check_zone(r->zone, why, why_size))
		return false;
	while (*p != '\0') {
		if (strncmp(p, "text=", strlen("text=")) == 0) {
			r->text = p + strlen("text=");
			return dnsbl_check_text(r->text, why, why_size);
		}
		if (!parse_word(r, take_word(&p), why, why_size))
			return false;
	}
	return true;
}

bool
dnsbl_check_line(const char *text, char *why, size_t why_size)
{
	struct dnsbl_rule r = {0};
	bool fine = dnsbl_rule_parse(&r, text, why, why_size);

	free(r.line);
	return fine;
}
