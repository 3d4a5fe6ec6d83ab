/* SPDX-License-Identifier: MIT */
/*
 * spf_check.c - check_host() of RFC 7208 section 4: from an identity to a result
 */
#include "spf_check.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../lib/network.h"
#include "../lib/number.h"
#include "spf_state.h"
#include "spf_text.h"

static const char *const names[SPF_CODES] = {
	[SPF_NONE] = "none",
	[SPF_NEUTRAL] = "neutral",
	[SPF_PASS] = "pass",
	[SPF_FAIL] = "fail",
	[SPF_SOFTFAIL] = "softfail",
	[SPF_TEMPERROR] = "temperror",
	[SPF_PERMERROR] = "permerror",
};

const char *
spf_code_name(enum spf_code code)
{
	return names[code];
}

void
spf_stop(struct spf_state *st, enum spf_code code, const char *format, ...)
{
	va_list args;

	if (st->stopped || st->explaining)
		return;
	st->stopped = true;
	st->result->code = code;
	va_start(args, format);
	vsnprintf(st->result->problem, sizeof(st->result->problem), format, args);
	va_end(args);
}

/* Section 7.3: IPv6 addresses are dotted nibbles; in upper case, for explanations show them. */
static void
write_nibbles(const unsigned char address[16], char out[64])
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < 32; i++) {
		out[2 * i] = digits[i % 2 == 0 ? address[i / 2] >> 4 : address[i / 2] & 15];
		out[2 * i + 1] = i < 31 ? '.' : '\0';
	}
}

/* Section 5: an IPv4-mapped address is the IPv4 address it holds. */
static bool
set_client(struct spf_client *client, const char *ip)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

	*client = (struct spf_client){0};
	if (inet_pton(AF_INET6, ip, client->address) == 1) {
		client->six = memcmp(client->address, mapped, sizeof(mapped)) != 0;
		if (!client->six)
			memmove(client->address, client->address + sizeof(mapped), 4);
	} else if (inet_pton(AF_INET, ip, client->address) != 1) {
		return false;
	}
	network_address(client->address, client->six, client->readable);
	if (client->six)
		write_nibbles(client->address, client->dotted);
	else
		memcpy(client->dotted, client->readable, sizeof("255.255.255.255"));
	return true;
}

bool
spf_state_init(struct spf_state *st, const struct spf_query *query, struct spf_result *result)
{
	*result = (struct spf_result){.code = SPF_NONE};
	st->query = query;
	st->result = result;
	st->stopped = st->term_void = st->explaining = false;
	st->names_known = st->names_late = false;
	st->top = st->frame_count = st->name_count = 0;
	number_text(st->time, query->now > 0 ? (uint64_t)query->now : 0);
	return set_client(&st->client, query->ip);
}

/* Section 6.2: whatever is wrong with an explanation, there is none. */
static void
explain(struct spf_state *st, const struct spf_term *exp)
{
	const struct spf_frame *top = &st->frames[st->top];
	const struct cm_dns_answer *answer;
	struct spf_macro_values values;
	char domain[SPF_NAME_SIZE], text[SPF_EXP_SIZE];

	st->explaining = true;
	spf_term_domain(st, top, exp, domain);
	answer = spf_ask_text(st, domain);
	if (answer == NULL || answer->count != 1)
		return;
	if (spf_macro_wrong_explanation(answer->records[0].text, answer->records[0].len) != NULL)
		return;
	values = spf_values(st, top);
	spf_macro_explanation(
		&values, answer->records[0].text, answer->records[0].len, text, sizeof(text));
	spf_show(st->result->explanation, sizeof(st->result->explanation), text, strlen(text));
}

static void
show_record(struct spf_state *st)
{
	const struct spf_frame *top = &st->frames[st->top];
	struct spf_result *result = st->result;

	spf_show(result->domain, sizeof(result->domain), top->domain, strlen(top->domain));
	spf_show(result->record, sizeof(result->record), top->record->text, top->record->len);
	if (result->mechanism[0] == '\0' && !st->stopped)
		snprintf(result->mechanism, sizeof(result->mechanism), "default");
}

void
spf_check(const struct spf_query *query, struct spf_result *result)
{
	const struct spf_term *exp = NULL;
	struct spf_state st;

	if (!spf_state_init(&st, query, result)) {
		snprintf(result->problem, sizeof(result->problem), "the client has no address");
		return;
	}
	if (spf_enter(&st, query->domain) != NULL)
		spf_lib_run(&st, &exp);
	else if (!st.stopped)
		snprintf(result->problem, sizeof(result->problem), "%s",
			spf_checkable(query->domain) ? "no SPF record"
						     : "no name of several labels");
	if (st.frame_count > 0)
		show_record(&st);
	if (exp != NULL)
		explain(&st, exp);
}
