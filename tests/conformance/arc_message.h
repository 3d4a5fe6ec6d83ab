/* SPDX-License-Identifier: MIT */
/*
 * arc_message.h - a message from a file as the ARC check gets it, and keys from another file
 */
#ifndef TESTS_CONFORMANCE_ARC_MESSAGE_H
#define TESTS_CONFORMANCE_ARC_MESSAGE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../plugins/arc/arc_check.h"
#include "../../plugins/arc_seal/arc_seal_set.h"

struct arc_message {
	char *text;
	struct canon_field *fields;
	size_t count;
	const char *body;
	size_t len;
};

/* The whole file with a NUL behind it; NULL: it cannot be read. */
static inline char *
arc_read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	size_t got, size = 0;

	*len = 0;
	while (f != NULL) {
		size += 65536;
		text = realloc(text, size + 1);
		if (text == NULL)
			abort();
		got = fread(text + *len, 1, size - *len, f);
		*len += got;
		text[*len] = '\0';
		if (got == 0)
			break;
	}
	if (f != NULL)
		fclose(f);
	return text;
}

/* Where the field ends: behind its line break, where no white space follows. */
static inline char *
arc_field_end(char *p, const char *end)
{
	while (p < end) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (p == NULL)
			return (char *)(uintptr_t)end;
		p++;
		if (p == end || (*p != ' ' && *p != '\t'))
			return p;
	}
	return p;
}

/* Cuts the text, which becomes the message's, into fields and body. */
static inline void
arc_message_split(struct arc_message *m, char *text, size_t len)
{
	char *p = text, *end = text + len;

	*m = (struct arc_message){.text = text};
	m->fields = calloc(len / 2 + 1, sizeof(*m->fields));
	if (m->fields == NULL)
		abort();
	while (p < end && *p != '\n' && *p != '\r') {
		char *next = arc_field_end(p, end), *colon = memchr(p, ':', (size_t)(next - p));
		size_t size = (size_t)(next - p);

		while (size > 0 && (p[size - 1] == '\n' || p[size - 1] == '\r'))
			p[--size] = '\0';
		if (colon != NULL && colon < p + size) {
			size_t name = (size_t)(colon - p);

			m->fields[m->count++] =
				(struct canon_field){p, colon + 1, name, size - name - 1};
		}
		p = next;
	}
	if (p < end && *p == '\r')
		p++;
	if (p < end && *p == '\n')
		p++;
	m->body = p;
	m->len = (size_t)(end - p);
}

static inline void
arc_message_free(struct arc_message *m)
{
	free(m->fields);
	free(m->text);
}

/* The body; lines that end in LF alone end in CRLF. */
static inline void
arc_message_body(struct arc_check *check, const struct arc_message *m)
{
	for (size_t i = 0; i < m->len; i++) {
		if (m->body[i] == '\n' && (i == 0 || m->body[i - 1] != '\r'))
			arc_check_body(check, "\r", 1);
		arc_check_body(check, m->body + i, 1);
	}
}

/* The same into a hash. */
static inline void
arc_message_hash(const struct arc_message *m, unsigned char out[DIGEST_SIZE])
{
	struct canon_body body;
	bool done = canon_body_init(&body, CANON_RELAXED, CANON_ALL);

	for (size_t i = 0; i < m->len; i++) {
		if (m->body[i] == '\n' && (i == 0 || m->body[i - 1] != '\r'))
			canon_body_put(&body, "\r", 1);
		canon_body_put(&body, m->body + i, 1);
	}
	if (!done || !canon_body_end(&body, out))
		abort();
	canon_body_fini(&body);
}

/* Who seals, and what it says of the chain and of the message. */
struct arc_sealer {
	const struct dkim_private *key;
	const char *domain, *selector;
	enum arc_status status;
	const char *results; /* behind "i=N; " */
	int64_t now;
};

/* The three fields, the seal on top, each with its line break; NULL: not to be sealed. */
static inline char *
arc_message_seal(const struct arc_message *m, const struct arc_sealer *sealer)
{
	struct arc_seal_job job = {.fields = m->fields,
		.count = m->count,
		.status = sealer->status,
		.domain = sealer->domain,
		.selector = sealer->selector,
		.key = sealer->key,
		.now = sealer->now};
	struct arc_seal_set *set = calloc(1, sizeof(*set));
	char *results = NULL, *text = NULL;
	struct arc_chain chain;

	if (set == NULL || !arc_chain_init(&chain, m->fields, m->count) ||
		asprintf(&results, "i=%u; %s", arc_seal_instance(&chain), sealer->results) < 0)
		abort();
	job.chain = &chain;
	job.results = results;
	arc_message_hash(m, job.body);
	if (arc_seal_hinders(&chain) == NULL && arc_seal_set_make(set, &job) &&
		asprintf(&text,
			"ARC-Seal: %s\nARC-Message-Signature: %s\n"
			"ARC-Authentication-Results: %s\n",
			set->seal, set->message, results) < 0)
		abort();
	arc_chain_fini(&chain);
	free(results);
	free(set);
	return text;
}

/* Lines "NAME<tab>TXT"; "NAME<tab>" alone: DNS does not answer. */
static inline const struct dkim_key *
arc_find_key(void *context, const char *name, const char **why, bool *later)
{
	const char *keys = context, *line = keys;
	size_t len = strlen(name);

	for (; line != NULL && *line != '\0'; line = strchr(line, '\n'), line += line != NULL) {
		const char *text = line + len + 1;

		if (strncasecmp(line, name, len) != 0 || line[len] != '\t')
			continue;
		*why = "DNS does not answer";
		*later = strcspn(text, "\n") == 0;
		return *later ? NULL : dkim_key_get(text, strcspn(text, "\n"));
	}
	*why = "there is no such key in DNS";
	*later = false;
	return NULL;
}

/* What comes out. now: seconds since 1970. */
static inline void
arc_message_check(const struct arc_message *m, const char *keys, int64_t now, struct arc_result *r)
{
	struct arc_keys from = {(void *)(uintptr_t)keys, arc_find_key};
	struct arc_check *check = calloc(1, sizeof(*check));
	struct arc_chain chain;

	if (check == NULL || !arc_chain_init(&chain, m->fields, m->count))
		abort();
	if (chain.problem[0] != '\0' || chain.newest == 0) {
		arc_check_none(&chain, r);
	} else {
		arc_check_init(check, &chain, m->fields, m->count, now);
		arc_message_body(check, m);
		arc_check_end(check, &from, r);
		arc_check_fini(check);
	}
	arc_chain_fini(&chain);
	free(check);
}

#endif
