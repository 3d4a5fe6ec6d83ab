/* SPDX-License-Identifier: MIT */
/*
 * load_outcome.c - counts what became of the messages of each class
 *
 * One table for all threads behind one lock: there are few kinds, and messages take longer.
 */
#include "load_outcome.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1024u

struct outcome {
	const char *class;
	char *text;
	unsigned count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects the two below */
static struct outcome outcomes[MOST];
static size_t used;

static struct outcome *
find(const char *class, const char *text)
{
	for (size_t i = 0; i < used; i++)
		if (strcmp(outcomes[i].class, class) == 0 && strcmp(outcomes[i].text, text) == 0)
			return &outcomes[i];
	char *copy = strdup(text);
	if (used == MOST || !copy) {
		fprintf(stderr, "load: more than %u kinds of outcome\n", MOST);
		exit(1);
	}
	outcomes[used] = (struct outcome){.class = class, .text = copy};
	return &outcomes[used++];
}

void
outcome_add(const char *class, const char *outcome)
{
	pthread_mutex_lock(&lock);
	find(class, outcome)->count++;
	pthread_mutex_unlock(&lock);
}

static int
by_name(const void *a, const void *b)
{
	const struct outcome *x = a, *y = b;
	int order = strcmp(x->class, y->class);

	return order != 0 ? order : strcmp(x->text, y->text);
}

bool
outcome_write(const char *path)
{
	FILE *out = fopen(path, "w");

	qsort(outcomes, used, sizeof *outcomes, by_name);
	for (size_t i = 0; out && i < used; i++)
		fprintf(out, "%s %u %s\n", outcomes[i].class, outcomes[i].count, outcomes[i].text);
	if (out && fclose(out) == 0)
		return true;
	fprintf(stderr, "load: cannot write %s\n", path);
	return false;
}
