/* SPDX-License-Identifier: MIT */
/*
 * load_corpus.c - reads the messages of corpus.py
 *
 * All of it before the clock runs: a header as a milter is told it, and the whole as SMTP sends it.
 */
#include "load_corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 4096u
#define COLUMNS	  7
#define STEP	  64u

static void *
must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* One more element of that size, whose number is *count. */
static void *
grow(void *array, size_t *count, size_t size)
{
	if (*count % STEP == 0)
		array = must(realloc(array, (*count + STEP) * size));
	(*count)++;
	return array;
}

static char *
read_file(const char *dir, const char *name, size_t *length)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *in = fopen(path, "rb");
	if (!in || fseek(in, 0, SEEK_END) != 0) {
		fprintf(stderr, "load: cannot read %s\n", path);
		return NULL;
	}
	*length = (size_t)ftell(in);
	rewind(in);
	char *text = must(malloc(*length + 1));
	if (fread(text, 1, *length, in) != *length) {
		fprintf(stderr, "load: cannot read all of %s\n", path);
		free(text);
		text = NULL;
	} else {
		text[*length] = '\0';
	}
	fclose(in);
	return text;
}

/* Behind the line, whose end becomes a NUL; a field that goes on has LF in the middle. */
static char *
cut_field(char *p)
{
	char *to = p;

	for (; *p; p++) {
		if (p[0] == '\r' && p[1] == '\n') {
			p++;
			if (p[1] != ' ' && p[1] != '\t')
				break;
		}
		*to++ = *p;
	}
	bool more = *p != '\0';
	*to = '\0';
	return p + more;
}

static bool
read_header(struct corpus_mail *m, char *p)
{
	while (*p && strncmp(p, "\r\n", 2) != 0) {
		char *next = cut_field(p);
		char *colon = strchr(p, ':');
		if (!colon)
			return false;
		*colon = '\0';
		m->fields = grow(m->fields, &m->field_count, sizeof *m->fields);
		m->fields[m->field_count - 1] = (struct mail_field){p, colon + 1};
		p = next;
	}
	return true;
}

static void
double_dots(struct corpus_mail *m, const char *text, size_t length)
{
	char *data = must(malloc(length * 2 + 4));
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '.' && (i == 0 || text[i - 1] == '\n'))
			data[used++] = '.';
		data[used++] = text[i];
	}
	memcpy(data + used, ".\r\n", 3);
	m->data = data;
	m->data_length = used + 3;
}

static bool
read_message(struct corpus_mail *m, const char *dir, const char *name)
{
	size_t length;
	char *text = read_file(dir, name, &length);

	if (!text)
		return false;
	double_dots(m, text, length);
	char *end = strstr(text, "\r\n\r\n");
	if (!end || length < 2 || memcmp(text + length - 2, "\r\n", 2) != 0) {
		fprintf(stderr, "load: %s/%s has no header, or does not end in CRLF\n", dir, name);
		return false;
	}
	m->body = end + 4;
	m->body_length = length - (size_t)(m->body - text);
	end[2] = '\0';
	if (read_header(m, text))
		return true;
	fprintf(stderr, "load: %s/%s has a line in its header without a colon\n", dir, name);
	return false;
}

static void
read_rcpts(struct corpus_mail *m, char *list)
{
	for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		m->rcpts = grow(m->rcpts, &m->rcpt_count, sizeof *m->rcpts);
		m->rcpts[m->rcpt_count - 1] = word;
	}
}

/* client, HELO, login, sender, recipients, class, file */
static bool
read_line(struct corpus_mail *m, char *line, const char *dir)
{
	char *columns[COLUMNS];

	line = must(strdup(line));
	line[strcspn(line, "\n")] = '\0';
	for (size_t i = 0; i < COLUMNS; i++) {
		columns[i] = strsep(&line, "\t");
		if (!columns[i]) {
			fprintf(stderr, "load: a line of %s/index has not %d columns\n", dir,
				COLUMNS);
			return false;
		}
	}
	*m = (struct corpus_mail){.client = columns[0],
		.helo = columns[1],
		.login = strcmp(columns[2], "-") == 0 ? NULL : columns[2],
		.sender = columns[3],
		.class = columns[5]};
	read_rcpts(m, columns[4]);
	return read_message(m, dir, columns[6]);
}

static bool
same_session(const struct corpus_mail *a, const struct corpus_mail *b)
{
	const char *one = a->login ? a->login : "", *other = b->login ? b->login : "";

	return strcmp(a->client, b->client) == 0 && strcmp(a->helo, b->helo) == 0 &&
	       strcmp(one, other) == 0;
}

static void
find_sessions(struct corpus *c)
{
	for (size_t i = 0; i < c->count; i++) {
		c->mails[i].first = i == 0 || !same_session(&c->mails[i - 1], &c->mails[i]);
		c->mails[i].last =
			i + 1 == c->count || !same_session(&c->mails[i], &c->mails[i + 1]);
		if (!c->mails[i].first)
			continue;
		c->sessions = grow(c->sessions, &c->session_count, sizeof *c->sessions);
		c->sessions[c->session_count - 1] = i;
	}
}

bool
corpus_read(struct corpus *c, const char *dir)
{
	char path[PATH_SIZE];
	char *line = NULL;
	size_t room = 0;
	bool ok = true;

	*c = (struct corpus){0};
	snprintf(path, sizeof path, "%s/index", dir);
	FILE *in = fopen(path, "r");
	if (!in) {
		fprintf(stderr, "load: cannot read %s\n", path);
		return false;
	}
	while (ok && getline(&line, &room, in) > 0) {
		c->mails = grow(c->mails, &c->count, sizeof *c->mails);
		ok = read_line(&c->mails[c->count - 1], line, dir);
	}
	free(line);
	fclose(in);
	find_sessions(c);
	return ok && c->count > 0;
}
