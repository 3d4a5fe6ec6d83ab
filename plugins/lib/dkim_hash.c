/* SPDX-License-Identifier: MIT */
/*
 * dkim_hash.c - the hash of the header fields that a signature covers (RFC 6376 section 3.7)
 *
 * Who sends a message chooses the names of its fields and of h=, so fields are found in a sorted
 * list: there is no table of hashes that such names could spoil.
 */
#include "dkim_hash.h"

#include <stdlib.h>
#include <strings.h>

/* A field in the order of names. */
struct dkim_field_place {
	const char *name;
	size_t len; /* without white space before the colon (RFC 5322 section 4.5) */
	size_t index;
};

static size_t
trim(const char *name, size_t len)
{
	while (len > 0 && (name[len - 1] == ' ' || name[len - 1] == '\t'))
		len--;
	return len;
}

static int
compare_names(const char *a, size_t alen, const char *b, size_t blen)
{
	if (alen != blen)
		return alen < blen ? -1 : 1;
	return strncasecmp(a, b, alen);
}

/* By name, and those of a name from the top down. */
static int
compare_places(const void *a, const void *b)
{
	const struct dkim_field_place *x = a, *y = b;
	int order = compare_names(x->name, x->len, y->name, y->len);

	return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

bool
dkim_fields_init(struct dkim_fields *fields, const struct canon_field *items, size_t count)
{
	*fields = (struct dkim_fields){.count = count, .items = items};
	fields->places = calloc(count + 1, sizeof(*fields->places));
	if (fields->places == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		fields->places[i] = (struct dkim_field_place){
			items[i].name, trim(items[i].name, items[i].name_len), i};
	qsort(fields->places, count, sizeof(*fields->places), compare_places);
	return true;
}

void
dkim_fields_fini(struct dkim_fields *fields)
{
	free(fields->places);
	fields->places = NULL;
}

static bool
has_name(const struct dkim_field_place *place, const char *name, size_t len)
{
	return compare_names(place->name, place->len, name, len) == 0;
}

/* Behind the last place of that name; 0: it has none. */
static size_t
search(const struct dkim_fields *fields, const char *name, size_t len)
{
	size_t low = 0, high = fields->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct dkim_field_place *at = &fields->places[middle];

		if (compare_names(at->name, at->len, name, len) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && has_name(&fields->places[low - 1], name, len) ? low : 0;
}

/* Of a name of h=: behind its last place, which tells it from others, and behind what is left. */
struct pick {
	size_t end, left;
};

static void
begin_pick(struct pick *picks, size_t i, size_t end)
{
	picks[i] = (struct pick){end, end};
	for (size_t before = i; end > 0 && before-- > 0;) {
		if (picks[before].end == end) {
			picks[i].left = picks[before].left;
			break;
		}
	}
}

/* False: there is none left. */
static bool
take(const struct dkim_fields *fields, struct pick *pick, const char *name, size_t len, size_t self,
	size_t *index)
{
	while (pick->left > 0 && has_name(&fields->places[pick->left - 1], name, len)) {
		*index = fields->places[--pick->left].index;
		if (*index != self)
			return true;
	}
	return false;
}

size_t
dkim_hash_pick(const struct dkim_fields *fields, const struct dkim_sig *sig, size_t self,
	size_t picked[DKIM_SIG_NAMES_MOST])
{
	struct pick picks[DKIM_SIG_NAMES_MOST];
	size_t count = 0;

	for (size_t i = 0; i < sig->name_count; i++) {
		const char *name = sig->value + sig->names[i].at;
		size_t len = sig->names[i].len;

		begin_pick(picks, i, search(fields, name, len));
		if (take(fields, &picks[i], name, len, self, &picked[count]))
			count++;
	}
	return count;
}

void
dkim_hash_names(
	struct digest *d, const struct dkim_fields *fields, const struct dkim_sig *sig, size_t self)
{
	size_t picked[DKIM_SIG_NAMES_MOST];
	size_t count = dkim_hash_pick(fields, sig, self, picked);

	for (size_t i = 0; i < count; i++) {
		canon_field(d, sig->header, &fields->items[picked[i]], 0, 0);
		digest_put(d, "\r\n", 2);
	}
}

void
dkim_hash_self(struct digest *d, const struct canon_field *field, const struct dkim_sig *sig)
{
	canon_field(d, sig->header, field, sig->b_from, sig->b_to);
}

bool
dkim_hash(const struct dkim_fields *fields, const struct dkim_sig *sig, size_t self,
	unsigned char out[DIGEST_SIZE])
{
	struct digest d;
	bool done = digest_init(&d);

	if (done) {
		dkim_hash_names(&d, fields, sig, self);
		dkim_hash_self(&d, &fields->items[self], sig);
		done = digest_end(&d, out);
	}
	digest_fini(&d);
	return done;
}
