/* SPDX-License-Identifier: MIT */
/*
 * trip_notice.c - the postmaster is told of a link that tripped
 *
 * Once an hour at most for each link, and only while messages fail in it: a link that tripped and
 * stays broken is told of again, one that works again is not.
 */
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "run.h"
#include "service/notice.h"

/* What becomes of mail while the link counts as that. */
static const char *const meanwhile[] = {
	[LINK_TEMPFAIL] = "gets a temporary failure and is tried again by its sender",
	[LINK_ACCEPT] = "is accepted, and links behind it are not asked",
	[LINK_REJECT] = "is refused",
	[LINK_SKIP] = "passes without it",
};

static const char *const settings[] = {
	[LINK_TEMPFAIL] = "tripped = on_error, on_error = tempfail",
	[LINK_ACCEPT] = "tripped = on_error, on_error = accept",
	[LINK_REJECT] = "tripped = on_error, on_error = reject",
	[LINK_SKIP] = "tripped = on_error, on_error = skip",
};

static void
add_meanwhile(struct buf *b, const struct link *l, bool watched)
{
	bool counts = l->set.tripped == LINK_TRIPPED_ON_ERROR;
	int as = counts ? l->set.on_error : LINK_SKIP;

	buf_add_str(b, "mail          ");
	if (watched)
		buf_add_str(b, "is treated as before, for the link is only watched (shadow)");
	else
		buf_printf(b, "%s (%s)", meanwhile[as], counts ? settings[as] : "tripped = skip");
	buf_add_char(b, '\n');
}

static void
add_since(struct buf *b, int64_t wall)
{
	time_t at = (time_t)wall;
	char text[32] = "?";
	struct tm tm;

	if (localtime_r(&at, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
	buf_printf(b, "since         %s\n", text);
}

static void
write_text(struct buf *b, const struct link *l, const struct decision *d, bool watched)
{
	char words[BREAKER_WORDS_MAX];

	breaker_words(l->breaker, words);
	buf_printf(b, "%s fails, and is not called any more: %s\n\n", l->name, words);
	add_since(b, breaker_look(l->breaker).tripped_at);
	buf_printf(b, "latest error  %s (at %s)\n", d->reason, stages[d->stage].name);
	add_meanwhile(b, l, watched);
	buf_printf(b,
		"next          one message a minute tries it; when that goes well, it is back\n\n"
		"to see more   chainmail errors %s\n"
		"              chainmail status\n"
		"when mended   chainmail reload\n\n"
		"While it fails you are told once an hour at most.\n",
		l->name);
}

void
trip_tell(const struct cm_session *s, struct link *l, const struct decision *d)
{
	const struct notice_settings *set = s->run->chain->notices;
	/* Else other messages of the same kind are in the sample. */
	bool watched = s->run->shadow && l->set.sample == LINK_SAMPLE_ALL;
	struct buf subject, text;

	if (set == NULL || set->postmaster == NULL || !live_may_tell(l))
		return;
	buf_init(&subject, 0);
	buf_init(&text, 0);
	buf_printf(&subject, "%s tripped on %s", l->name, set->host);
	write_text(&text, l, d, watched);
	(void)notice_post(set, &(struct notice){.to = set->postmaster,
				       .subject = subject.data,
				       .text = text.data,
				       .by = "Chainmail",
				       .id = s->in_message ? s->id : s->conn_id});
	buf_fini(&text);
	buf_fini(&subject);
}
