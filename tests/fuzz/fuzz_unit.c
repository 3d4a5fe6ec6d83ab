/* SPDX-License-Identifier: MIT */
/*
 * fuzz_unit.c - any octets as a unit, an address, a network, a text to escape
 *
 * What is read is written and read again; what is escaped is printable.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/net.h"
#include "base/text.h"
#include "conf/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* A reader points into the text and says why, or has read a number that is not negative. */
static void
check_number(const char *text, const char *(*read)(const char *, int64_t *, const char **),
	int64_t least)
{
	int64_t value = 0;
	const char *why = NULL;
	const char *bad = read(text, &value, &why);

	if (bad != NULL)
		must(why != NULL && bad >= text && bad <= text + strlen(text));
	else
		must(value >= least);
}

static void
check_units(const char *text)
{
	struct cm_rate rate;
	bool flag;
	int64_t us, again;
	const char *why;
	char out[32];

	check_number(text, unit_duration, 0);
	check_number(text, unit_int, -INT64_MAX);
	check_number(text, unit_mode, 0);
	check_number(text, unit_percent, 0);
	check_number(text, unit_size, 0);
	check_number(text, unit_time, INT64_MIN);
	unit_bool(text, &flag, &why);
	if (unit_rate(text, &rate, &why) == NULL)
		must(rate.period_us > 0 && rate.count >= 0);
	if (unit_duration(text, &us, &why) == NULL) {
		unit_duration_text(us, out);
		must(unit_duration(out, &again, &why) == NULL && again == us);
	}
}

static void
check_net(const char *text)
{
	struct net_addr addr, again;
	struct net_block block;
	struct arena arena;
	char out[NET_TEXT];

	if (net_parse(&addr, text)) {
		net_text(&addr, out);
		must(net_parse(&again, out) && memcmp(&addr, &again, sizeof(addr)) == 0);
	}
	if (net_block_parse(&block, text)) {
		struct cm_networks *set;

		arena_init(&arena, 256);
		set = networks_new(&arena);
		networks_add(set, &arena, &block);
		must(net_block_has(&block, &block.addr) && networks_have(set, &block.addr));
		arena_fini(&arena);
	}
}

static void
check_text(const char *text, size_t len)
{
	struct buf b;

	buf_init(&b, 0);
	text_quote(&b, text, len);
	for (size_t i = 0; i < b.len; i++)
		must(b.data[i] >= 0x20 && b.data[i] < 0x7f);
	buf_clear(&b);
	text_json(&b, text, len);
	must(text_utf8_valid(b.data, b.len) == b.len);
	for (size_t i = 0; i < b.len; i++)
		must((unsigned char)b.data[i] >= 0x20 && b.data[i] != 0x7f);
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	const char *other;

	must(text != NULL);
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	other = strchr(text, '\n');
	check_units(text);
	check_net(text);
	check_text(text, len);
	if (other != NULL)
		must(text_distance(text, other + 1, 2) == text_distance(other + 1, text, 2));
	free(text);
	return 0;
}
