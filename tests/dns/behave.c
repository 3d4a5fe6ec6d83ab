/* SPDX-License-Identifier: MIT */
/*
 * behave.c - what the hostile server does for a name: words in its first labels, or of the zone
 *
 * An answer is made right by a "fill", and then made wrong by a "spoil", which knows nothing but
 * octets.
 */
#include "behave.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TTL	    300
#define TTL_NO_NAME 60
#define BIG	    64746 /* octets of text: 65,000 of rdata */

/* --- right answers ---------------------------------------------------------------------------- */

static uint32_t
ttl_of(const struct plan *plan, uint32_t otherwise)
{
	return plan->flags & PLAN_TTL ? plan->ttl : otherwise;
}

static void
begin_record(struct packet *p, const struct plan *plan, const struct query *q)
{
	packet_record(p, SECTION_ANSWER, NULL, q->type, ttl_of(plan, TTL));
}

/* The records of a name in the zone, with an alias in place of those of another type. */
static void
fill_from_zone(struct packet *p, const struct query *q, const struct plan *plan)
{
	for (const struct zone_record *r = plan->node->records; r; r = r->next)
		if (r->type == q->type || r->type == TYPE_CNAME) {
			packet_record(p, SECTION_ANSWER, NULL, r->type, ttl_of(plan, r->ttl));
			packet_octets(p, r->rdata, r->len);
			packet_record_end(p);
		}
}

static void
add_name(struct packet *p, const struct plan *plan, const char *label)
{
	struct name name;

	packet_name(p, name_below(&name, label, &plan->rest) ? &name : &plan->rest);
}

static void
add_made_up(struct packet *p, const struct query *q, const struct plan *plan)
{
	static const unsigned char a[4] = {192, 0, 2, 1};
	static const unsigned char aaaa[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	static const char text[] = "v=spf1 ip4:203.0.113.0/24 -all";

	switch (q->type) {
	case TYPE_A:
		packet_octets(p, a, sizeof a);
		break;
	case TYPE_AAAA:
		packet_octets(p, aaaa, sizeof aaaa);
		break;
	case TYPE_TXT:
		packet_text(p, text, sizeof text - 1);
		break;
	case TYPE_MX:
		packet_u16(p, 10);
		add_name(p, plan, "ok.mail");
		break;
	default:
		add_name(p, plan, "ok.host");
		break;
	}
}

static bool
made_up(uint16_t type)
{
	return type == TYPE_A || type == TYPE_AAAA || type == TYPE_TXT || type == TYPE_MX ||
	       type == TYPE_NS || type == TYPE_PTR;
}

static void
fill_plain(struct packet *p, const struct query *q, const struct plan *plan)
{
	if (plan->node) {
		fill_from_zone(p, q, plan);
	} else if (made_up(q->type)) {
		begin_record(p, plan, q);
		add_made_up(p, q, plan);
		packet_record_end(p);
	}
}

static void
fill_nothing(struct packet *p, const struct query *q, const struct plan *plan)
{
	(void)p, (void)q, (void)plan;
}

/* A name with addresses of IPv6 alone. */
static void
fill_v6only(struct packet *p, const struct query *q, const struct plan *plan)
{
	if (q->type != TYPE_A)
		fill_plain(p, q, plan);
}

static void
fill_big(struct packet *p, const struct query *q, const struct plan *plan)
{
	static char text[BIG];

	if (q->type != TYPE_TXT)
		return;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i % 26);
	begin_record(p, plan, q);
	packet_text(p, text, sizeof text);
	packet_record_end(p);
}

static void
fill_mx(struct packet *p, const struct query *q, const struct plan *plan)
{
	char label[32];

	for (unsigned i = 0; q->type == TYPE_MX && i < plan->number; i++) {
		snprintf(label, sizeof label, "ok.mx%u", i);
		begin_record(p, plan, q);
		packet_u16(p, i);
		add_name(p, plan, label);
		packet_record_end(p);
	}
}

static void
fill_many(struct packet *p, const struct query *q, const struct plan *plan)
{
	for (unsigned i = 0; q->type == TYPE_A && i < plan->number; i++) {
		begin_record(p, plan, q);
		packet_u32(p, 0x0a000000u + i);
		packet_record_end(p);
	}
}

static void
fill_nul(struct packet *p, const struct query *q, const struct plan *plan)
{
	static const char text[] = "v=spf1 a\0b \x80\xff\r\n\x1b[31m -all";

	if (q->type == TYPE_A || q->type == TYPE_AAAA) {
		fill_plain(p, q, plan);
		return;
	}
	begin_record(p, plan, q);
	if (q->type == TYPE_TXT)
		packet_text(p, text, sizeof text - 1);
	else if (q->type == TYPE_MX)
		packet_u16(p, 10);
	if (q->type != TYPE_TXT)
		add_name(p, plan, "n\\000l.\\255\\\"\\.\\010");
	packet_record_end(p);
}

/* --- aliases ---------------------------------------------------------------------------------- */

/* The name that was asked for with another word at the place of the one that fills. */
static void
with_word(struct name *out, const struct query *q, const struct plan *plan, const char *word)
{
	struct name behind, first = q->name;

	behind.len = q->name.len - plan->label;
	memcpy(behind.octets, q->name.octets + plan->label, behind.len);
	name_parent(&behind, &behind);
	if (!name_below(&behind, word, &behind) || plan->label + behind.len > WIRE_NAME)
		abort(); /* the words of the table are short, and the name had one there */
	memcpy(first.octets + plan->label, behind.octets, behind.len);
	first.len = plan->label + behind.len;
	*out = first;
}

static void
add_alias(struct packet *p, const struct plan *plan, const struct name *owner,
	const struct name *target)
{
	packet_record(p, SECTION_ANSWER, owner, TYPE_CNAME, ttl_of(plan, TTL));
	packet_name(p, target);
	packet_record_end(p);
}

/* One step of a chain of aliases in each answer. */
static void
fill_cname(struct packet *p, const struct query *q, const struct plan *plan)
{
	struct name target;
	char word[32];

	if (plan->number == 0) {
		fill_plain(p, q, plan);
		return;
	}
	snprintf(word, sizeof word, "cname%u", plan->number - 1);
	with_word(&target, q, plan, word);
	add_alias(p, plan, NULL, &target);
}

/* The whole chain in one answer. */
static void
fill_chain(struct packet *p, const struct query *q, const struct plan *plan)
{
	struct name owner = q->name, target;
	char word[32];

	for (unsigned i = plan->number; i > 0; i--) {
		snprintf(word, sizeof word, "chain%u", i - 1);
		with_word(&target, q, plan, word);
		add_alias(p, plan, &owner, &target);
		owner = target;
	}
	if (!made_up(q->type))
		return;
	packet_record(p, SECTION_ANSWER, &owner, q->type, ttl_of(plan, TTL));
	add_made_up(p, q, plan);
	packet_record_end(p);
}

static void
fill_cnameself(struct packet *p, const struct query *q, const struct plan *plan)
{
	add_alias(p, plan, NULL, &q->name);
}

/* cnameloop1 leads to cnameloop2, and that one back. */
static void
fill_cnameloop(struct packet *p, const struct query *q, const struct plan *plan)
{
	struct name target;

	with_word(&target, q, plan, plan->number == 1 ? "cnameloop2" : "cnameloop1");
	add_alias(p, plan, NULL, &target);
}

/* An alias to a name of odd octets, which leads on to a right one. */
static void
fill_cnamenul(struct packet *p, const struct query *q, const struct plan *plan)
{
	struct name target;

	if (name_below(&target, "ok.n\\000l.\\255\\\"\\.\\010", &plan->rest))
		add_alias(p, plan, NULL, &target);
	(void)q;
}

/* The answer, and one for a name that nobody asked about. */
static void
fill_poison(struct packet *p, const struct query *q, const struct plan *plan)
{
	static const unsigned char evil[4] = {198, 51, 100, 66};
	struct name victim;

	fill_plain(p, q, plan);
	if (!name_below(&victim, "ok.victim", &plan->rest))
		return;
	for (enum section s = SECTION_ANSWER; s <= SECTION_ADDITIONAL; s += 2) {
		packet_record(p, s, &victim, TYPE_A, TTL);
		packet_octets(p, evil, sizeof evil);
		packet_record_end(p);
	}
}

/* --- wrong answers ---------------------------------------------------------------------------- */

/* In place of two octets of the first record, where there is one. */
static void
lie(struct packet *p, size_t at, unsigned value)
{
	if (p->owner != 0)
		packet_put16(p, at, value);
}

static void
spoil_id(struct packet *p)
{
	packet_put16(p, 0, packet_get16(p, 0) ^ 0x5555u);
}

static void
spoil_name(struct packet *p)
{
	p->octets[13] = p->octets[13] == 'z' ? 'y' : 'z';
}

static void
spoil_type(struct packet *p)
{
	packet_put16(p, p->question_end - 4, 99);
}

static void
spoil_bit(struct packet *p)
{
	packet_put16(p, 2, packet_get16(p, 2) & 0x7fffu);
}

/* A pointer of compression to itself; the answer is in front of it. */
static void
spoil_pointer(struct packet *p)
{
	lie(p, p->owner, 0xc000u | (unsigned)p->owner);
}

static void
spoil_forward(struct packet *p)
{
	lie(p, p->owner, 0xffffu);
}

static void
spoil_count(struct packet *p)
{
	packet_put16(p, 6, 0xffff);
}

static void
spoil_length(struct packet *p)
{
	lie(p, p->rdata, 0xfff0);
}

static void
spoil_length_less(struct packet *p)
{
	lie(p, p->rdata, 1);
}

static void
spoil_half(struct packet *p)
{
	p->len = p->question_end + (p->len - p->question_end) / 2;
}

static void
spoil_question(struct packet *p)
{
	p->len = p->question_end - 3;
}

static void
spoil_tiny(struct packet *p)
{
	p->len = 3;
}

static void
spoil_empty(struct packet *p)
{
	p->len = 0;
}

/* Everything behind the id, the same each time. */
static void
spoil_all(struct packet *p)
{
	uint32_t x = 12345;

	for (size_t i = 2; i < p->len; i++) {
		x = x * 1103515245u + 12345u;
		p->octets[i] = (unsigned char)(x >> 16);
	}
}

/* --- words ------------------------------------------------------------------------------------ */

enum number { NO_NUMBER, NUMBER_OF_FILL, NUMBER_OF_DELAY, NUMBER_OF_TTL };

struct word {
	const char *name;
	plan_fill *fill;
	plan_spoil *spoil;
	unsigned flags;
	int rcode;
	uint32_t ttl;
	enum number number; /* digits stand behind the name */
	unsigned most;
};

static const struct word words[] = {
	{"asked", .flags = PLAN_ASKED},
	{"big", .fill = fill_big},
	{"chain", .fill = fill_chain, .number = NUMBER_OF_FILL, .most = 99},
	{"cname", .fill = fill_cname, .number = NUMBER_OF_FILL, .most = 99},
	{"cnameloop", .fill = fill_cnameloop, .number = NUMBER_OF_FILL, .most = 2},
	{"cnamenul", .fill = fill_cnamenul},
	{"cnameself", .fill = fill_cnameself},
	{"counted", .flags = PLAN_COUNT},
	{"d", .number = NUMBER_OF_DELAY, .most = 600000},
	{"empty", .spoil = spoil_empty},
	{"formerr", .fill = fill_nothing, .rcode = RCODE_FORMERR},
	{"forward", .spoil = spoil_forward},
	{"garbage", .spoil = spoil_all},
	{"half", .spoil = spoil_half},
	{"liecount", .spoil = spoil_count},
	{"lielen", .spoil = spoil_length},
	{"lieshort", .spoil = spoil_length_less},
	{"loop", .spoil = spoil_pointer},
	{"many", .fill = fill_many, .number = NUMBER_OF_FILL, .most = 4000},
	{"mx", .fill = fill_mx, .number = NUMBER_OF_FILL, .most = 1000},
	{"nodata", .fill = fill_nothing},
	{"noqr", .spoil = spoil_bit},
	{"nosoa", .flags = PLAN_NO_SOA},
	{"notimp", .fill = fill_nothing, .rcode = RCODE_NOTIMP},
	{"nul", .fill = fill_nul},
	{"nxdomain", .fill = fill_nothing, .rcode = RCODE_NXDOMAIN},
	{.name = "ok"},
	{"poison", .fill = fill_poison},
	{"refused", .fill = fill_nothing, .rcode = RCODE_REFUSED},
	{"servfail", .fill = fill_nothing, .rcode = RCODE_SERVFAIL},
	{"short", .spoil = spoil_question},
	{"silent", .flags = PLAN_SILENT},
	{"spoofed", .flags = PLAN_SPOOFED, .spoil = spoil_id},
	{"tcpclose", .flags = PLAN_TC_UDP | PLAN_TCP_CLOSE},
	{"tcpcut", .flags = PLAN_TC_UDP | PLAN_TCP_CUT},
	{"tcpsilent", .flags = PLAN_TC_UDP | PLAN_TCP_SILENT},
	{"tiny", .spoil = spoil_tiny},
	{"trunc", .flags = PLAN_TC_UDP},
	{"trunconly", .flags = PLAN_TC_UDP | PLAN_TC_TCP},
	{"ttl", .flags = PLAN_TTL, .number = NUMBER_OF_TTL, .most = 1000000000},
	{"ttlmax", .flags = PLAN_TTL, .ttl = 0x7fffffffu},
	{"ttlneg", .flags = PLAN_TTL, .ttl = 0xffffffffu},
	{"twice", .flags = PLAN_TWICE},
	{"v6only", .fill = fill_v6only},
	{"wrongid", .spoil = spoil_id},
	{"wrongname", .spoil = spoil_name},
	{"wrongtype", .spoil = spoil_type},
};

static bool
same_octets(const char *name, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] != (text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 'a' - 'A' : text[i]))
			return false;
	return true;
}

/* The digits of the word are the number; false when it is another word. */
static bool
matches(const struct word *w, const char *text, size_t len, unsigned *number)
{
	size_t name_len = strlen(w->name);

	if (len < name_len || !same_octets(w->name, text, name_len) ||
		(len == name_len) != (w->number == NO_NUMBER))
		return false;
	*number = 0;
	for (size_t i = name_len; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' || i - name_len > 9)
			return false;
		*number = *number * 10 + (unsigned)(text[i] - '0');
	}
	return *number <= w->most;
}

static const struct word *
find_word(const char *text, size_t len, unsigned *number)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (matches(&words[i], text, len, number))
			return &words[i];
	return NULL;
}

bool
behave_known(const char *word)
{
	unsigned number;

	return find_word(word, strlen(word), &number) != NULL;
}

static void
apply(struct plan *plan, const struct word *w, unsigned number, size_t label)
{
	plan->flags |= w->flags;
	if (w->rcode != 0)
		plan->rcode = w->rcode;
	if (w->spoil)
		plan->spoil = w->spoil;
	if (w->flags & PLAN_TTL)
		plan->ttl = w->number == NUMBER_OF_TTL ? number : w->ttl;
	if (w->number == NUMBER_OF_DELAY)
		plan->delay_ms = number;
	if (!w->fill)
		return;
	plan->fill = w->fill;
	plan->number = number;
	plan->label = label;
}

static void
apply_words(struct plan *plan, const char *text)
{
	const struct word *w;
	unsigned number;

	while (text[strspn(text, " \t\r\n")] != '\0') {
		text += strspn(text, " \t\r\n");
		size_t len = strcspn(text, " \t\r\n");

		w = find_word(text, len, &number);
		if (w)
			apply(plan, w, number, 0);
		text += len;
	}
}

void
behave_plan(struct plan *plan, const struct query *q, const struct zone *zone)
{
	size_t at = 0;
	unsigned number;
	const struct word *w;

	memset(plan, 0, offsetof(struct plan, rest));
	plan->rest = q->name;
	plan->asked = 0;
	/* Words behind "asked" belong to the name that is asked about. */
	while (!(plan->flags & PLAN_ASKED) && (w = find_word((const char *)q->name.octets + at + 1,
						       q->name.octets[at], &number))) {
		apply(plan, w, number, at);
		at += (size_t)q->name.octets[at] + 1;
		name_parent(&plan->rest, &plan->rest);
	}
	plan->node = zone_find(zone, &plan->rest);
	if (plan->node && plan->node->words && !(plan->flags & PLAN_ASKED))
		apply_words(plan, plan->node->words);
	else if (at == 0 && !plan->node)
		plan->rcode = RCODE_NXDOMAIN;
	if (plan->node && !plan->node->records && (at > 0 || plan->node->words))
		plan->node = NULL;
	if (!plan->fill)
		plan->fill = plan->rcode == RCODE_OK ? fill_plain : fill_nothing;
}

/* --- the whole answer ------------------------------------------------------------------------- */

/* What says how long there is nothing; it is that of the last label of the name. */
static void
add_soa(struct packet *p, const struct query *q, const struct plan *plan)
{
	struct name top = q->name, parent;

	for (name_parent(&parent, &top); parent.len > 1; name_parent(&parent, &top))
		top = parent;
	packet_record(p, SECTION_AUTHORITY, &top, TYPE_SOA, ttl_of(plan, TTL_NO_NAME));
	packet_name(p, &top);
	packet_name(p, &top);
	for (int i = 0; i < 4; i++)
		packet_u32(p, 1);
	packet_u32(p, ttl_of(plan, TTL_NO_NAME));
	packet_record_end(p);
}

static void
say_how_often(struct packet *p, const struct query *q, const struct plan *plan)
{
	char text[16];
	int len = snprintf(text, sizeof text, "%u", plan->asked);

	packet_record(p, SECTION_ANSWER, NULL, q->type, 0);
	packet_text(p, text, (size_t)len);
	packet_record_end(p);
}

void
behave_answer(const struct plan *plan, const struct query *q, bool tcp, struct packet *p)
{
	packet_begin(p, q, plan->rcode);
	if (plan->flags & PLAN_ASKED && q->type == TYPE_TXT)
		say_how_often(p, q, plan);
	else
		plan->fill(p, q, plan);
	bool negative = plan->rcode == RCODE_OK || plan->rcode == RCODE_NXDOMAIN;

	if (negative && packet_get16(p, 6) == 0 && !(plan->flags & PLAN_NO_SOA))
		add_soa(p, q, plan);
	packet_end(p, q);
	if (plan->flags & (tcp ? PLAN_TC_TCP : PLAN_TC_UDP) || (!tcp && p->len > q->udp_size))
		packet_truncate(p, q);
}
