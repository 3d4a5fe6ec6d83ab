/* SPDX-License-Identifier: MIT */
/*
 * test_resolver_answer.c - what a server said, believed as far as it makes sense
 */
#include "service/resolver_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns_packet.h"
#include "table.h"

#define SOA	 6u
#define NXDOMAIN 3u
#define SERVFAIL 2u
#define REFUSED	 5u

static struct dns_packet p;

static const char *const statuses[] = {
	[CM_DNS_FOUND] = "found",
	[CM_DNS_NO_DATA] = "nodata",
	[CM_DNS_NO_NAME] = "nxdomain",
	[CM_DNS_TIMEOUT] = "timeout",
	[CM_DNS_SERVFAIL] = "servfail",
	[CM_DNS_REFUSED] = "refused",
	[CM_DNS_BOGUS] = "bogus",
	[CM_DNS_BAD_NAME] = "badname",
};

/* "found a.example 300: 192.0.2.1, ..." */
static const char *
show(const struct answer *a)
{
	static char text[4096];
	int len = snprintf(text, sizeof(text), "%s %s %u:", statuses[a->said.status], a->said.name,
		a->said.ttl);

	for (size_t i = 0; i < a->said.count && len < 3000; i++) {
		const struct cm_dns_record *r = &a->said.records[i];

		len += snprintf(text + len, sizeof(text) - (size_t)len, "%s ", i > 0 ? "," : "");
		if (r->preference > 0)
			len += snprintf(
				text + len, sizeof(text) - (size_t)len, "%u ", r->preference);
		for (size_t k = 0; k < r->len && len < 3000; k++)
			text[len++] = r->text[k] == '\0' ? '0' : r->text[k];
		text[len] = '\0';
		ck_assert_int_eq(r->text[r->len], '\0');
	}
	return text;
}

/* --- packets --- */

static void
one_address(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, 0, 1, 0);
	packet_record(&p, "a.example", CM_DNS_A, 300, "\xc0\0\2\1", 4);
}

static void
another_case(void)
{
	packet_begin(&p, "A.Example", CM_DNS_A, 0, 1, 0);
	packet_record(&p, "A.EXAMPLE", CM_DNS_A, 300, "\xc0\0\2\1", 4);
}

static void
two_ttls(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, 0, 2, 0);
	packet_record(&p, "a.example", CM_DNS_A, 300, "\xc0\0\2\1", 4);
	packet_record(&p, "a.example", CM_DNS_A, 60, "\xc0\0\2\2", 4);
}

static void
ttl_of_years(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, 0, 1, 0);
	packet_record(&p, "a.example", CM_DNS_A, 0x7fffffff, "\xc0\0\2\1", 4);
}

static void
ttl_with_the_highest_bit(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, 0, 1, 0);
	packet_record(&p, "a.example", CM_DNS_A, 0xffffffff, "\xc0\0\2\1", 4);
}

static void
strangers_beside_it(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, 0, 3, 0);
	packet_record(&p, "b.example", CM_DNS_A, 300, "\xc0\0\2\11", 4);
	packet_record(&p, "a.example", CM_DNS_A, 300, "\xc0\0\2\1", 4);
	packet_record(&p, "a.example", CM_DNS_TXT, 300, "\1x", 2);
}

static void
address_of_five(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, 0, 1, 0);
	packet_record(&p, "a.example", CM_DNS_A, 300, "\xc0\0\2\1\1", 5);
}

static void
aliases(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, 0, 3, 0);
	packet_named(&p, "a.example", CM_DNS_CNAME, 300, -1, "b.example");
	packet_named(&p, "b.example", CM_DNS_CNAME, 30, -1, "C.example");
	packet_record(&p, "c.example", CM_DNS_A, 300, "\xc0\0\2\1", 4);
}

static void
aliases_backwards(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, 0, 3, 0);
	packet_record(&p, "c.example", CM_DNS_A, 300, "\xc0\0\2\1", 4);
	packet_named(&p, "b.example", CM_DNS_CNAME, 300, -1, "c.example");
	packet_named(&p, "a.example", CM_DNS_CNAME, 300, -1, "b.example");
}

static void
alias_loop(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, 0, 2, 0);
	packet_named(&p, "a.example", CM_DNS_CNAME, 300, -1, "b.example");
	packet_named(&p, "b.example", CM_DNS_CNAME, 300, -1, "a.example");
}

static void
alias_to_nothing(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, NXDOMAIN, 1, 1);
	packet_named(&p, "a.example", CM_DNS_CNAME, 40, -1, "gone.example");
	packet_record(
		&p, "example", SOA, 300, "\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\x64", 22);
}

static void
the_alias_itself(void)
{
	packet_begin(&p, "a.example", CM_DNS_CNAME, 0, 1, 0);
	packet_named(&p, "a.example", CM_DNS_CNAME, 300, -1, "b.example");
}

static void
no_name_with_soa(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, NXDOMAIN, 0, 1);
	packet_record(
		&p, "example", SOA, 300, "\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\x64", 22);
}

static void
no_name_with_long_soa(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, NXDOMAIN, 0, 1);
	packet_record(
		&p, "example", SOA, 90000, "\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\1\0\0", 22);
}

static void
no_name_without_soa(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, NXDOMAIN, 0, 0);
}

static void
no_data(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, 0, 0, 1);
	packet_record(
		&p, "example", SOA, 300, "\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\x64", 22);
}

static void
failed(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, SERVFAIL, 0, 0);
}

static void
refused(void)
{
	packet_begin(&p, "a.example", CM_DNS_A, REFUSED, 0, 0);
}

static void
strings(void)
{
	packet_begin(&p, "a.example", CM_DNS_TXT, 0, 1, 0);
	packet_record(&p, "a.example", CM_DNS_TXT, 300, "\3one\0\4 two", 10);
}

static void
string_with_nul(void)
{
	packet_begin(&p, "a.example", CM_DNS_TXT, 0, 1, 0);
	packet_record(&p, "a.example", CM_DNS_TXT, 300, "\3a\0b", 4);
}

static void
string_longer_than_its_record(void)
{
	packet_begin(&p, "a.example", CM_DNS_TXT, 0, 1, 0);
	packet_record(&p, "a.example", CM_DNS_TXT, 300, "\11one", 4);
}

static void
text_without_strings(void)
{
	packet_begin(&p, "a.example", CM_DNS_TXT, 0, 1, 0);
	packet_record(&p, "a.example", CM_DNS_TXT, 300, "", 0);
}

static void
exchangers(void)
{
	packet_begin(&p, "a.example", CM_DNS_MX, 0, 2, 0);
	packet_named(&p, "a.example", CM_DNS_MX, 300, 10, "Mail.Example");
	packet_named(&p, "a.example", CM_DNS_MX, 300, 20, "");
}

static void
exchanger_without_name(void)
{
	packet_begin(&p, "a.example", CM_DNS_MX, 0, 1, 0);
	packet_record(&p, "a.example", CM_DNS_MX, 300, "\0\12", 2);
}

static void
name_with_odd_octets(void)
{
	packet_begin(&p, "a.example", CM_DNS_PTR, 0, 1, 0);
	packet_record(&p, "a.example", CM_DNS_PTR, 300, "\4a.\0\n\0", 6);
}

static void
pointer_to_itself(void)
{
	packet_begin(&p, "a.example", CM_DNS_PTR, 0, 1, 0);
	packet_record(&p, "a.example", CM_DNS_PTR, 300, "\xc0\x30", 2);
}

static void
pointer_behind_the_end(void)
{
	packet_begin(&p, "a.example", CM_DNS_PTR, 0, 1, 0);
	packet_record(&p, "a.example", CM_DNS_PTR, 300, "\xff\xff", 2);
}

static void
more_records_than_there_are(void)
{
	one_address();
	p.octets[7] = 9;
}

static void
longer_than_the_packet(void)
{
	one_address();
	p.octets[p.len - 5] = 200;
}

static void
cut_in_the_header(void)
{
	one_address();
	p.len = 7;
}

static void
nothing(void)
{
	p.len = 0;
}

static void
six_thousand_addresses(void)
{
	packet_begin(&p, "a", CM_DNS_A, 0, 3000, 0);
	for (int i = 0; i < 3000; i++)
		packet_record(&p, "a", CM_DNS_A, 300, "\xc0\0\2\1", 4);
}

static const struct {
	const char *name;
	void (*make)(void);
	enum cm_dns_type type;
	const char *said;
} packets[] = {
	{"an address", one_address, CM_DNS_A, "found a.example 300: 192.0.2.1"},
	{"a name in another case", another_case, CM_DNS_A, "found a.example 300: 192.0.2.1"},
	{"the shorter TTL counts", two_ttls, CM_DNS_A, "found a.example 60: 192.0.2.1, 192.0.2.2"},
	{"a TTL of years is a day", ttl_of_years, CM_DNS_A, "found a.example 86400: 192.0.2.1"},
	{"a TTL with the highest bit is none", ttl_with_the_highest_bit, CM_DNS_A,
		"found a.example 0: 192.0.2.1"},
	{"records of others are not looked at", strangers_beside_it, CM_DNS_A,
		"found a.example 300: 192.0.2.1"},
	{"an address of five octets", address_of_five, CM_DNS_A, "servfail a.example 0:"},
	{"the end of a chain of aliases, with its shortest TTL", aliases, CM_DNS_A,
		"found c.example 30: 192.0.2.1"},
	{"a chain in another order", aliases_backwards, CM_DNS_A, "found c.example 300: 192.0.2.1"},
	{"a loop of aliases", alias_loop, CM_DNS_A, "servfail a.example 0:"},
	{"an alias of what is not there", alias_to_nothing, CM_DNS_A, "nxdomain gone.example 40:"},
	{"an alias that was asked for", the_alias_itself, CM_DNS_CNAME,
		"found a.example 300: b.example"},
	{"no such name, for as long as the SOA says", no_name_with_soa, CM_DNS_A,
		"nxdomain a.example 100:"},
	{"no such name is not kept for long", no_name_with_long_soa, CM_DNS_A,
		"nxdomain a.example 900:"},
	{"without a SOA nothing is kept", no_name_without_soa, CM_DNS_A, "nxdomain a.example 0:"},
	{"no such record", no_data, CM_DNS_A, "nodata a.example 100:"},
	{"a failure", failed, CM_DNS_A, "servfail a.example 0:"},
	{"a refusal", refused, CM_DNS_A, "refused a.example 0:"},
	{"strings are joined", strings, CM_DNS_TXT, "found a.example 300: one two"},
	{"a text may hold NUL", string_with_nul, CM_DNS_TXT, "found a.example 300: a0b"},
	{"a string longer than its record", string_longer_than_its_record, CM_DNS_TXT,
		"servfail a.example 0:"},
	{"a text of no strings", text_without_strings, CM_DNS_TXT, "servfail a.example 0:"},
	{"exchangers, one of them the root", exchangers, CM_DNS_MX,
		"found a.example 300: 10 mail.example, 20 "},
	{"an exchanger without a name", exchanger_without_name, CM_DNS_MX, "servfail a.example 0:"},
	{"a name of odd octets", name_with_odd_octets, CM_DNS_PTR,
		"found a.example 300: a\\046\\000\\010"},
	{"a pointer to itself", pointer_to_itself, CM_DNS_PTR, "servfail a.example 0:"},
	{"a pointer behind the end", pointer_behind_the_end, CM_DNS_PTR, "servfail a.example 0:"},
	{"counts that lie", more_records_than_there_are, CM_DNS_A, "servfail a.example 0:"},
	{"lengths that lie", longer_than_the_packet, CM_DNS_A, "servfail a.example 0:"},
	{"a packet cut in its header", cut_in_the_header, CM_DNS_A, "servfail a.example 0:"},
	{"no packet", nothing, CM_DNS_A, "servfail a.example 0:"},
};

START_TEST(packet_says)
{
	struct answer *a;

	packets[_i].make();
	a = answer_read(p.octets, p.len, "a.example", packets[_i].type, false, false);
	ck_assert_msg(strcmp(show(a), packets[_i].said) == 0, "%s: %s", packets[_i].name, show(a));
	ck_assert(!a->said.secure);
	free(a);
}
END_TEST

START_TEST(records_are_bounded)
{
	struct answer *a;

	six_thousand_addresses();
	a = answer_read(p.octets, p.len, "a", CM_DNS_A, false, false);
	ck_assert_int_eq(a->said.status, CM_DNS_FOUND);
	ck_assert_uint_eq(a->said.count, ANSWER_RECORDS_MOST);
	for (size_t i = 0; i < a->said.count; i++)
		ck_assert_mem_eq(a->said.records[i].address, "\xc0\0\2\1", 4);
	free(a);
}
END_TEST

START_TEST(dnssec_decides)
{
	struct answer *a;

	one_address();
	a = answer_read(p.octets, p.len, "a.example", CM_DNS_A, false, true);
	ck_assert(a->said.secure);
	free(a);
	a = answer_read(p.octets, p.len, "a.example", CM_DNS_A, true, false);
	ck_assert_str_eq(show(a), "bogus a.example 0:");
	free(a);
}
END_TEST

/* Whatever a packet is cut to, and whichever of its octets is another, there is an answer. */
START_TEST(broken_packets_have_an_answer)
{
	struct dns_packet whole;
	struct answer *a;

	packets[_i].make();
	whole = p;
	for (size_t len = 0; len < whole.len; len++) {
		unsigned char *copy = malloc(len + 1);

		memcpy(copy, whole.octets, len);
		a = answer_read(copy, len, "a.example", packets[_i].type, false, false);
		ck_assert_ptr_nonnull(show(a));
		free(a);
		free(copy);
	}
	for (size_t at = 0; at < whole.len; at++) {
		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			whole.octets[at] ^= (unsigned char)bit;
			a = answer_read(whole.octets, whole.len, "a.example", packets[_i].type,
				false, false);
			ck_assert_ptr_nonnull(show(a));
			free(a);
			whole.octets[at] ^= (unsigned char)bit;
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("resolver_answer");
	TCase *tc = tcase_create("packets");

	tcase_add_loop_test(tc, packet_says, 0, LENGTH(packets));
	tcase_add_test(tc, records_are_bounded);
	tcase_add_test(tc, dnssec_decides);
	tcase_add_loop_test(tc, broken_packets_have_an_answer, 0, LENGTH(packets));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
