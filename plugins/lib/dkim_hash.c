/* SPDX-License-Identifier: MIT */
/*
 * dkim_hash.c - the hash of the header fields that a signature covers (RFC 6376 section 3.7)
 */
#include "dkim_hash.h"

#include <stdlib.h>
#include <strings.h>

/* Of a field: its name's hash and length, and the next field of the bucket upwards. */
struct dkim_field_place {
	uint32_t hash;
	size_t name_len; /* without white space before the colon (RFC 5322 section 4.5) */
	size_t above;	 /* from 1; 0: none */
};

static uint32_t
hash_name(const char *name, size_t len)
{
	uint32_t hash = 2166136261u;

	/* Bit 5 is the case of a letter. */
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ ((unsigned char)name[i] | 0x20u)) * 16777619u;
	return hash;
}

static size_t
trim(const char *name, size_t len)
{
	while (len > 0 && (name[len - 1] == ' ' || name[len - 1] == '\t'))
		len--;
	return len;
}

bool
dkim_fields_init(struct dkim_fields *fields, const struct canon_field *items, size_t count)
{
	*fields = (struct dkim_fields){.count = count, .items = items};
	fields->places = calloc(count + 1, sizeof(*fields->places));
	if (fields->places == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct dkim_field_place *place = &fields->places[i];
		size_t *head;

		place->name_len = trim(items[i].name, items[i].name_len);
		place->hash = hash_name(items[i].name, place->name_len);
		head = &fields->heads[place->hash % DKIM_HASH_BUCKETS];
		place->above = *head;
		*head = i + 1;
	}
	return true;
}

void
dkim_fields_fini(struct dkim_fields *fields)
{
	free(fields->places);
	fields->places = NULL;
}

/* A name of h= and the place of the field it took; 0: there was none left. */
struct pick {
	const char *name;
	uint32_t len, hash;
	size_t place;
};

static bool
same_name(const struct pick *pick, uint32_t hash, const char *name, size_t len)
{
	return pick->hash == hash && pick->len == len && strncasecmp(pick->name, name, len) == 0;
}

/* Where the search begins: above what the same name took last. False: it found nothing then. */
static bool
search_from(const struct dkim_fields *fields, const struct pick *picks, size_t i, size_t *place)
{
	const struct pick *pick = &picks[i];

	*place = fields->heads[pick->hash % DKIM_HASH_BUCKETS];
	while (i-- > 0) {
		if (!same_name(&picks[i], pick->hash, pick->name, pick->len))
			continue;
		*place = picks[i].place == 0 ? 0 : fields->places[picks[i].place - 1].above;
		break;
	}
	return *place != 0;
}

static void
find(const struct dkim_fields *fields, struct pick *picks, size_t i, size_t self)
{
	struct pick *pick = &picks[i];
	size_t place;

	if (!search_from(fields, picks, i, &place))
		return;
	for (; place != 0; place = fields->places[place - 1].above) {
		const struct dkim_field_place *at = &fields->places[place - 1];

		if (place - 1 != self &&
			same_name(pick, at->hash, fields->items[place - 1].name, at->name_len))
			break;
	}
	pick->place = place;
}

void
dkim_hash_names(
	struct digest *d, const struct dkim_fields *fields, const struct dkim_sig *sig, size_t self)
{
	struct pick picks[DKIM_SIG_NAMES_MOST];

	for (size_t i = 0; i < sig->name_count; i++) {
		const char *name = sig->value + sig->names[i].at;
		uint32_t len = sig->names[i].len;

		picks[i] = (struct pick){name, len, hash_name(name, len), 0};
		find(fields, picks, i, self);
		if (picks[i].place == 0)
			continue;
		canon_field(d, sig->header, &fields->items[picks[i].place - 1], 0, 0);
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
