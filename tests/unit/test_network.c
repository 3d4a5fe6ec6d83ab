/* SPDX-License-Identifier: MIT */
/*
 * test_network.c - the network of an address, as part of a key
 */
#include <arpa/inet.h>
#include <string.h>

#include "../../plugins/lib/network.h"
#include "table.h"

static const struct {
	const char *ip;
	unsigned four, six;
	const char *network; /* NULL: it is no address */
} networks[] = {
	{"203.0.113.77", 24, 64, "203.0.113.0/24"},
	{"203.0.113.255", 32, 64, "203.0.113.255/32"},
	{"203.0.113.255", 31, 64, "203.0.113.254/31"},
	{"203.0.113.7", 1, 64, "128.0.0.0/1"},
	{"203.0.113.7", 0, 64, "0.0.0.0/0"},
	{"10.9.100.200", 23, 64, "10.9.100.0/23"},
	{"255.255.255.255", 32, 64, "255.255.255.255/32"},
	{"2001:db8:1:2:3:4:5:6", 24, 64, "2001:db8:1:2::/64"},
	{"2001:db8:1:2:3:4:5:6", 24, 128, "2001:db8:1:2:3:4:5:6/128"},
	{"2001:db8:ffff::1", 24, 33, "2001:db8:8000::/33"},
	{"2001:db8::1", 24, 0, "::/0"},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 24, 128,
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
	{"::ffff:255.255.255.255", 24, 128, "::ffff:255.255.255.255/128"},
	{"203.0.113", 24, 64, NULL},
	{"203.0.113.256", 24, 64, NULL},
	{"203.0.113.7 ", 24, 64, NULL},
	{"2001:db8:::1", 24, 64, NULL},
	{"nonsense", 24, 64, NULL},
	{"", 24, 64, NULL},
};

START_TEST(address_has_a_network)
{
	char out[NETWORK_SIZE] = "as it was";
	bool good = network_of(networks[_i].ip, networks[_i].four, networks[_i].six, out);

	ck_assert_msg(good == (networks[_i].network != NULL), "%s", networks[_i].ip);
	ck_assert_str_eq(out, good ? networks[_i].network : "as it was");
}
END_TEST

START_TEST(address_is_written_as_inet_ntop_does)
{
	char out[INET6_ADDRSTRLEN], expected[INET6_ADDRSTRLEN];
	unsigned char octets[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

	network_address(octets, true, out);
	ck_assert_str_eq(out, "2001:db8::1");
	for (unsigned place = 0; place < 4; place++) {
		for (unsigned n = 0; n < 256; n++) {
			octets[place] = (unsigned char)n;
			network_address(octets, false, out);
			inet_ntop(AF_INET, octets, expected, sizeof(expected));
			ck_assert_str_eq(out, expected);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("network");
	TCase *tc = tcase_create("network");

	tcase_add_test(tc, address_is_written_as_inet_ntop_does);
	tcase_add_loop_test(tc, address_has_a_network, 0, sizeof(networks) / sizeof(*networks));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
