/* SPDX-License-Identifier: MIT */
/*
 * net.c - addresses, networks and sets of networks
 *
 * A set is one hash table of blocks and, per family, the prefix lengths that occur in it: a
 * question costs one look per length, however many networks there are. Sets are small where they
 * are asked most (trusted networks) and have few lengths where they are large. Text is written by
 * hand: inet_ntop() uses printf().
 */
#include "net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arena.h"
#include "hash.h"

#define FIRST_SIZE 16u

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* What is hashed and compared: no padding. */
struct key {
	unsigned char family; /* 0: free */
	unsigned char bits;
	unsigned char octets[16];
};

struct lengths {
	size_t count;
	unsigned char bits[129]; /* the most specific last; order does not matter */
};

struct cm_networks {
	struct key *slots;
	size_t count, size;
	struct lengths v4, v6;
};

static unsigned
family_bits(const struct net_addr *addr)
{
	return addr->family == 4 ? 32 : 128;
}

/* An address that is mapped into IPv6 is the IPv4 address it holds. */
static void
unmap(struct net_addr *addr)
{
	addr->family = 6;
	if (memcmp(addr->octets, mapped_prefix, sizeof(mapped_prefix)) != 0)
		return;
	addr->family = 4;
	memmove(addr->octets, addr->octets + 12, 4);
	memset(addr->octets + 4, 0, 12);
}

bool
net_parse(struct net_addr *addr, const char *text)
{
	*addr = (struct net_addr){0};
	if (strncasecmp(text, "IPv6:", 5) == 0)
		text += 5;
	else if (inet_pton(AF_INET, text, addr->octets) == 1) {
		addr->family = 4;
		return true;
	}
	if (inet_pton(AF_INET6, text, addr->octets) != 1)
		return false;
	unmap(addr);
	return true;
}

bool
net_from_sockaddr(struct net_addr *addr, const struct sockaddr *from)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;

	*addr = (struct net_addr){0};
	if (from->sa_family == AF_INET) {
		addr->family = 4;
		memcpy(addr->octets, &v4->sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		memcpy(addr->octets, &v6->sin6_addr, 16);
		unmap(addr);
	}
	return addr->family != 0;
}

/* Up to 255. Returns its end. */
static char *
write_octet(char *to, unsigned number)
{
	if (number >= 100)
		*to++ = (char)('0' + number / 100);
	if (number >= 10)
		*to++ = (char)('0' + number / 10 % 10);
	*to++ = (char)('0' + number % 10);
	return to;
}

static char *
write_four(char *to, const unsigned char *octets)
{
	for (size_t i = 0; i < 4; i++) {
		if (i > 0)
			*to++ = '.';
		to = write_octet(to, octets[i]);
	}
	return to;
}

/* Small letters, no zeros in front (RFC 5952 sections 4.1 and 4.3). */
static char *
write_group(char *to, unsigned group)
{
	unsigned shift = 12;

	while (shift > 0 && group >> shift == 0)
		shift -= 4;
	for (; shift > 0; shift -= 4)
		*to++ = "0123456789abcdef"[group >> shift & 15];
	*to++ = "0123456789abcdef"[group & 15];
	return to;
}

/* The first of the longest runs of zeros, never of one group alone (RFC 5952 section 4.2). */
static size_t
longest_zeros(const unsigned groups[8], size_t *begin)
{
	size_t most = 1, len;

	*begin = 8;
	for (size_t i = 0; i < 8; i += len + 1) {
		for (len = 0; i + len < 8 && groups[i + len] == 0; len++)
			;
		if (len > most) {
			most = len;
			*begin = i;
		}
	}
	return *begin == 8 ? 0 : most;
}

/* As inet_ntop() has it: ::192.0.2.1 is written so as well, though that form is no longer used. */
static char *
write_six(char *to, const unsigned char *octets)
{
	unsigned groups[8];
	size_t begin, zeros;

	for (size_t i = 0; i < 8; i++)
		groups[i] = (unsigned)octets[2 * i] << 8 | octets[2 * i + 1];
	zeros = longest_zeros(groups, &begin);
	for (size_t i = 0; i < 8; i++) {
		if (i == begin) {
			*to++ = ':';
			i += zeros - 1;
			if (i == 7)
				*to++ = ':';
			continue;
		}
		if (i > 0)
			*to++ = ':';
		if (i == 6 && begin == 0 && zeros == 6)
			return write_four(to, octets + 12);
		to = write_group(to, groups[i]);
	}
	return to;
}

void
net_text(const struct net_addr *addr, char *out)
{
	if (addr->family == 4)
		out = write_four(out, addr->octets);
	else if (addr->family != 0)
		out = write_six(out, addr->octets);
	*out = '\0';
}

/* Clears what stands behind the prefix; false when something did. */
static bool
mask(struct net_addr *addr, unsigned bits)
{
	unsigned char seen = 0;
	unsigned i = bits / 8;

	if (bits % 8 != 0) {
		unsigned char keep = (unsigned char)(0xff00u >> bits % 8);

		seen = (unsigned char)(addr->octets[i] & ~keep);
		addr->octets[i++] &= keep;
	}
	for (; i < family_bits(addr) / 8; i++) {
		seen |= addr->octets[i];
		addr->octets[i] = 0;
	}
	return seen == 0;
}

static bool
parse_bits(const char *text, unsigned most, unsigned *bits)
{
	size_t len = strspn(text, "0123456789");

	if (len == 0 || len > 3 || text[len] != '\0' || (text[0] == '0' && len > 1))
		return false;
	*bits = (unsigned)strtoul(text, NULL, 10);
	return *bits <= most;
}

bool
net_block_parse(struct net_block *block, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	struct net_addr addr;
	char host[64];
	unsigned bits, shift;

	*block = (struct net_block){0};
	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!net_parse(&addr, host))
		return false;
	bits = family_bits(&addr);
	/* ::ffff:192.0.2.0/120 is 192.0.2.0/24. */
	shift = addr.family == 4 && strchr(host, ':') != NULL ? 96 : 0;
	if (slash != NULL && !parse_bits(slash + 1, bits + shift, &bits))
		return false;
	if (slash != NULL && bits < shift)
		return false;
	block->addr = addr;
	block->bits = slash == NULL ? bits : bits - shift;
	return mask(&block->addr, block->bits);
}

bool
net_block_has(const struct net_block *block, const struct net_addr *addr)
{
	struct net_addr masked = *addr;

	if (addr->family == 0 || addr->family != block->addr.family)
		return false;
	mask(&masked, block->bits);
	return memcmp(masked.octets, block->addr.octets, sizeof(masked.octets)) == 0;
}

struct cm_networks *
networks_new(struct arena *arena)
{
	return arena_alloc(arena, sizeof(struct cm_networks));
}

/* The slot that holds the key, or the free one where it belongs. The table is never full. */
static struct key *
find_slot(const struct cm_networks *n, const struct key *key)
{
	size_t i = (size_t)hash_bytes(key, sizeof(*key)) & (n->size - 1);

	while (n->slots[i].family != 0 && memcmp(&n->slots[i], key, sizeof(*key)) != 0)
		i = (i + 1) & (n->size - 1);
	return &n->slots[i];
}

static void
grow(struct cm_networks *n, struct arena *arena)
{
	struct cm_networks old = *n;

	n->size = old.size == 0 ? FIRST_SIZE : 2 * old.size;
	n->slots = arena_array(arena, n->size, sizeof(*n->slots));
	for (size_t i = 0; i < old.size; i++) {
		if (old.slots[i].family != 0)
			*find_slot(n, &old.slots[i]) = old.slots[i];
	}
}

static struct key
make_key(const struct net_addr *addr, unsigned bits)
{
	struct net_addr masked = *addr;
	struct key key = {.family = addr->family, .bits = (unsigned char)bits};

	mask(&masked, bits);
	memcpy(key.octets, masked.octets, sizeof(key.octets));
	return key;
}

static void
add_length(struct lengths *lengths, unsigned char bits)
{
	if (memchr(lengths->bits, bits, lengths->count) == NULL)
		lengths->bits[lengths->count++] = bits;
}

void
networks_add(struct cm_networks *n, struct arena *arena, const struct net_block *block)
{
	struct key key = make_key(&block->addr, block->bits);
	struct key *slot;

	if (n->count >= n->size / 4 * 3)
		grow(n, arena);
	slot = find_slot(n, &key);
	if (slot->family != 0)
		return;
	*slot = key;
	n->count++;
	add_length(key.family == 4 ? &n->v4 : &n->v6, key.bits);
}

struct cm_networks *
networks_copy(struct arena *arena, const struct cm_networks *from)
{
	struct cm_networks *to = from != NULL ? networks_new(arena) : NULL;

	for (size_t i = 0; from != NULL && i < from->size; i++) {
		const struct key *key = &from->slots[i];
		struct net_block block = {.addr = {.family = key->family}, .bits = key->bits};

		memcpy(block.addr.octets, key->octets, sizeof(key->octets));
		if (key->family != 0)
			networks_add(to, arena, &block);
	}
	return to;
}

bool
networks_have(const struct cm_networks *n, const struct net_addr *addr)
{
	const struct lengths *lengths;

	if (n == NULL || addr->family == 0)
		return false;
	lengths = addr->family == 4 ? &n->v4 : &n->v6;
	for (size_t i = 0; i < lengths->count; i++) {
		struct key key = make_key(addr, lengths->bits[i]);

		if (find_slot(n, &key)->family != 0)
			return true;
	}
	return false;
}
