/* SPDX-License-Identifier: MIT */
/*
 * test_net.c - addresses, networks and sets of networks
 */
#include "base/net.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "table.h"

static const struct {
	const char *name, *text;
	int family; /* 0: refused */
	const char *canonical;
} addresses[] = {
	{"an IPv4 address", "192.0.2.1", 4, "192.0.2.1"},
	{"an IPv6 address is shortened", "2001:DB8:0:0:0:0:0:1", 6, "2001:db8::1"},
	{"the longest run of zeros is shortened", "2001:0:0:1:0:0:0:1", 6, "2001:0:0:1::1"},
	{"loopback", "::1", 6, "::1"},
	{"no address at all", "::", 6, "::"},
	{"the literal of SMTP", "IPv6:2001:db8::1", 6, "2001:db8::1"},
	{"the literal of SMTP in small letters", "ipv6:::1", 6, "::1"},
	{"a mapped address is the IPv4 address", "::ffff:192.0.2.1", 4, "192.0.2.1"},
	{"a mapped address as a literal of SMTP", "IPv6:::ffff:c000:201", 4, "192.0.2.1"},
	{"IPv4 behind the tag of IPv6", "IPv6:192.0.2.1", 0, ""},
	{"three numbers", "192.0.2", 0, ""},
	{"five numbers", "192.0.2.1.1", 0, ""},
	{"a number too large", "192.0.2.256", 0, ""},
	{"a leading zero (octal elsewhere)", "192.0.2.010", 0, ""},
	{"a zone", "fe80::1%eth0", 0, ""},
	{"brackets", "[192.0.2.1]", 0, ""},
	{"a space in front", " 192.0.2.1", 0, ""},
	{"a space behind", "192.0.2.1 ", 0, ""},
	{"a name", "localhost", 0, ""},
	{"nothing", "", 0, ""},
	{"nothing behind the tag", "IPv6:", 0, ""},
};

START_TEST(addresses_are_read_and_written)
{
	struct net_addr addr, again;
	char text[NET_TEXT];
	bool good = net_parse(&addr, addresses[_i].text);

	ck_assert_msg(good == (addresses[_i].family != 0), "%s: %d", addresses[_i].name, good);
	if (!good)
		return;
	ck_assert_msg(addr.family == addresses[_i].family, "%s: family", addresses[_i].name);
	net_text(&addr, text);
	ck_assert_str_eq(text, addresses[_i].canonical);
	ck_assert(net_parse(&again, text));
	ck_assert_mem_eq(&addr, &again, sizeof(addr));
}
END_TEST

START_TEST(no_address_has_no_text)
{
	struct net_addr none = {0};
	char text[NET_TEXT] = "x";

	net_text(&none, text);
	ck_assert_str_eq(text, "");
}
END_TEST

static void
check_text(const struct net_addr *addr)
{
	char text[NET_TEXT], expected[NET_TEXT];

	net_text(addr, text);
	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->octets, expected, sizeof(expected));
	ck_assert_str_eq(text, expected);
}

/* Every number at every place. */
START_TEST(text_of_ipv4_is_that_of_libc)
{
	for (unsigned place = 0; place < 4; place++) {
		for (unsigned n = 0; n < 256; n++) {
			struct net_addr addr = {4, {192, 0, 2, 1}};

			addr.octets[place] = (unsigned char)n;
			check_text(&addr);
		}
	}
}
END_TEST

/* Every pattern of groups that are zero, with groups of each length; ::ffff:0:0/96 is mapped. */
START_TEST(text_of_ipv6_is_that_of_libc)
{
	static const unsigned groups[] = {0x1, 0x10, 0x2f, 0xabc, 0x1000, 0xfffe, 0xffff};

	for (unsigned filled = 0; filled < 256; filled++) {
		for (int g = 0; g < LENGTH(groups); g++) {
			struct net_addr addr = {.family = 6};

			for (unsigned i = 0; i < 8; i++) {
				unsigned group = groups[(g + (int)i) % LENGTH(groups)];

				addr.octets[2 * i] =
					(unsigned char)(filled >> i & 1 ? group >> 8 : 0);
				addr.octets[2 * i + 1] =
					(unsigned char)(filled >> i & 1 ? group : 0);
			}
			if (memcmp(addr.octets, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) != 0)
				check_text(&addr);
		}
	}
}
END_TEST

START_TEST(text_of_random_ipv6_is_that_of_libc)
{
	uint32_t random = 1;

	for (int round = 0; round < 100000; round++) {
		struct net_addr addr = {.family = 6};

		for (int i = 0; i < 16; i++) {
			random = random * 1664525 + 1013904223;
			addr.octets[i] = (unsigned char)(random >> 30 == 0 ? random >> 16 : 0);
		}
		check_text(&addr);
	}
}
END_TEST

static const struct {
	const char *name, *block;
	bool good;
	const char *inside, *outside; /* NULL: none to try */
} blocks[] = {
	{"a network", "192.0.2.0/24", true, "192.0.2.255", "192.0.3.0"},
	{"odd bits", "192.0.2.128/25", true, "192.0.2.128", "192.0.2.127"},
	{"one address", "192.0.2.7", true, "192.0.2.7", "192.0.2.6"},
	{"one address with its prefix", "192.0.2.7/32", true, "192.0.2.7", "192.0.2.8"},
	{"everybody", "0.0.0.0/0", true, "203.0.113.9", "2001:db8::1"},
	{"everybody of IPv6", "::/0", true, "2001:db8::1", "203.0.113.9"},
	{"a network of IPv6", "2001:db8::/33", true, "2001:db8:7fff::1", "2001:db8:8000::1"},
	{"one address of IPv6", "2001:db8::1", true, "2001:db8::1", "2001:db8::2"},
	{"a mapped network is one of IPv4", "::ffff:192.0.2.0/120", true, "192.0.2.9", "192.0.3.9"},
	{"a mapped address is inside", "192.0.2.0/24", true, "::ffff:192.0.2.9",
		"::ffff:192.0.3.9"},
	{"bits behind the prefix", "192.0.2.1/24", false, NULL, NULL},
	{"bits behind a prefix of IPv6", "2001:db8::1/64", false, NULL, NULL},
	{"a mapped network shorter than the mapping", "::ffff:0.0.0.0/90", false, NULL, NULL},
	{"a prefix too long", "192.0.2.0/33", false, NULL, NULL},
	{"a prefix of IPv6 too long", "::/129", false, NULL, NULL},
	{"no prefix behind the slash", "192.0.2.0/", false, NULL, NULL},
	{"a prefix with a sign", "192.0.2.0/+24", false, NULL, NULL},
	{"a prefix with a zero in front", "192.0.2.0/024", false, NULL, NULL},
	{"a netmask", "192.0.2.0/255.255.255.0", false, NULL, NULL},
	{"two slashes", "192.0.2.0/24/24", false, NULL, NULL},
	{"a prefix alone", "/24", false, NULL, NULL},
	{"nothing", "", false, NULL, NULL},
	{"a very long text",
		"1111111111111111111111111111111111111111111111111111111111111111111111111/8",
		false, NULL, NULL},
};

START_TEST(networks_hold_their_addresses)
{
	struct net_block block;
	struct net_addr addr;
	bool good = net_block_parse(&block, blocks[_i].block);

	ck_assert_msg(good == blocks[_i].good, "%s: %d", blocks[_i].name, good);
	if (!good)
		return;
	ck_assert(net_parse(&addr, blocks[_i].inside));
	ck_assert_msg(net_block_has(&block, &addr), "%s: inside", blocks[_i].name);
	ck_assert(net_parse(&addr, blocks[_i].outside));
	ck_assert_msg(!net_block_has(&block, &addr), "%s: outside", blocks[_i].name);
}
END_TEST

START_TEST(network_that_was_meant_is_told)
{
	struct net_block block;
	char text[NET_TEXT];

	ck_assert(!net_block_parse(&block, "192.0.2.77/26"));
	net_text(&block.addr, text);
	ck_assert_str_eq(text, "192.0.2.64");
	ck_assert_uint_eq(block.bits, 26);
	ck_assert(!net_block_parse(&block, "192.0.2.77/x"));
	ck_assert_uint_eq(block.addr.family, 0);
}
END_TEST

static bool
have(const struct cm_networks *set, const char *text)
{
	struct net_addr addr;

	ck_assert(net_parse(&addr, text));
	return networks_have(set, &addr);
}

START_TEST(sets_hold_what_one_of_their_networks_holds)
{
	static const char *const members[] = {
		"127.0.0.0/8", "::1", "192.0.2.0/24", "192.0.2.0/24", "10.1.2.3", "2001:db8::/32"};
	struct net_addr none = {0};
	struct cm_networks *set;
	struct arena arena;

	arena_init(&arena, 1024);
	set = networks_new(&arena);
	ck_assert(!have(set, "127.0.0.1"));
	for (int i = 0; i < LENGTH(members); i++) {
		struct net_block block;

		ck_assert(net_block_parse(&block, members[i]));
		networks_add(set, &arena, &block);
	}
	ck_assert(have(set, "127.255.0.1"));
	ck_assert(have(set, "::1"));
	ck_assert(have(set, "::ffff:192.0.2.200"));
	ck_assert(have(set, "10.1.2.3"));
	ck_assert(have(set, "2001:db8:ffff::1"));
	ck_assert(!have(set, "128.0.0.1"));
	ck_assert(!have(set, "::2"));
	ck_assert(!have(set, "10.1.2.4"));
	ck_assert(!have(set, "2001:db9::1"));
	ck_assert(!networks_have(set, &none));
	ck_assert(!networks_have(NULL, &none));
	ck_assert(!have(NULL, "127.0.0.1"));
	arena_fini(&arena);
}
END_TEST

#define MANY  5000
#define ASKED 20000

/* Against the plain loop over all networks, with random ones of every length. */
START_TEST(large_sets_answer_as_a_loop_over_them_would)
{
	static struct net_block all[MANY];
	struct cm_networks *set;
	struct arena arena;
	unsigned found = 0;

	srandom(1);
	arena_init(&arena, 1024);
	set = networks_new(&arena);
	for (int i = 0; i < MANY; i++) {
		char text[64];

		do {
			long r = random();
			snprintf(text, sizeof(text), "%ld.%ld.%ld.%ld/%ld", r & 255, r >> 8 & 255,
				r >> 16 & 255, random() & 255, 8 + random() % 25);
			net_block_parse(&all[i], text);
		} while (all[i].addr.family == 0);
		networks_add(set, &arena, &all[i]);
	}
	for (int i = 0; i < ASKED / 100; i++) {
		struct net_addr addr = {.family = 4};
		bool wanted = false;

		for (int j = 0; j < 4; j++)
			addr.octets[j] = (unsigned char)random();
		for (int j = 0; j < MANY; j++)
			wanted = wanted || net_block_has(&all[j], &addr);
		ck_assert(networks_have(set, &addr) == wanted);
		found += wanted;
	}
	ck_assert_uint_gt(found, 0);
	ck_assert_uint_lt(found, ASKED / 100);
	arena_fini(&arena);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net");
	TCase *t = tcase_create("net");

	tcase_add_loop_test(t, addresses_are_read_and_written, 0, LENGTH(addresses));
	tcase_add_test(t, no_address_has_no_text);
	tcase_add_test(t, text_of_ipv4_is_that_of_libc);
	tcase_add_test(t, text_of_ipv6_is_that_of_libc);
	tcase_add_test(t, text_of_random_ipv6_is_that_of_libc);
	tcase_add_loop_test(t, networks_hold_their_addresses, 0, LENGTH(blocks));
	tcase_add_test(t, network_that_was_meant_is_told);
	tcase_add_test(t, sets_hold_what_one_of_their_networks_holds);
	tcase_add_test(t, large_sets_answer_as_a_loop_over_them_would);
	suite_add_tcase(s, t);
	return table_run(s);
}
