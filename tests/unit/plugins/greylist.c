/* SPDX-License-Identifier: MIT */
/*
 * greylist.c - stands in for the plugin of that name, which rules may ask
 *
 * Says what its options want, once as many as `meet` have asked at the same time.
 */
#include <chainmail/plugin.h>
#include <pthread.h>
#include <string.h>

enum say { NOTHING, TEMPFAIL, REJECT, FAIL };

struct options {
	int64_t delay_us, meet, pass_us;
	int say; /* enum say */
	const char *text;
	bool loud;
};

/* Set by the test: moves its clock. */
extern __attribute__((visibility("default"))) void (*greylist_elapse)(int64_t us);
void (*greylist_elapse)(int64_t us);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int64_t waiting, meetings;

static void
meet(struct cm_session *s, int64_t count)
{
	int64_t meeting;

	cm_wait_begin(s);
	pthread_mutex_lock(&lock);
	meeting = meetings;
	if (++waiting == count) {
		meetings++;
		waiting = 0;
		pthread_cond_broadcast(&changed);
	}
	while (meeting == meetings)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	cm_wait_end(s);
}

static enum cm_verdict
ask(struct cm_session *s, const struct cm_event *ev, const void *options)
{
	const struct options *o = options;

	cm_set_result(s, "rcpt", ev->address == NULL ? "-" : ev->address->addr);
	cm_set_result(s, "loud", o->loud ? "yes" : "no");
	if (o->meet > 0)
		meet(s, o->meet);
	if (o->pass_us > 0)
		greylist_elapse(o->pass_us);
	switch (o->say) {
	case TEMPFAIL:
		cm_reply(
			s, 451, "4.7.1", "%s in %lld s", o->text, (long long)o->delay_us / 1000000);
		cm_reason(s, "seen by %s", cm_link_name(s));
		return CM_TEMPFAIL;
	case REJECT:
		return CM_REJECT;
	case FAIL:
		cm_reason(s, "no idea");
		return CM_FAILED;
	default:
		return CM_CONTINUE;
	}
}

#define AT(field) offsetof(struct options, field)

static const struct cm_option rows[] = {
	{"delay", CM_OPT_DURATION, AT(delay_us), "5s", .min = 1000000, .max = 9000000,
		.help = "said"},
	{"loud", CM_OPT_BOOL, AT(loud), "no", .help = "published"},
	{"meet", CM_OPT_INT, AT(meet), "0", .max = 100, .help = "how many must ask at once"},
	{"pass", CM_OPT_DURATION, AT(pass_us), "0s", .help = "time that passes"},
	{"say", CM_OPT_CHOICE, AT(say), "nothing", "nothing|tempfail|reject|fail",
		.help = "the answer"},
	{"text", CM_OPT_STRING, AT(text), "wait", .help = "in its words"},
};

static const struct cm_macro macros[] = {
	{CM_STAGE_MAIL, "{tls_version}"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "greylist",
	.help = "is asked by rules",
	.option_size = sizeof(struct cm_option),
	.needs = CM_NEED_SIZE,
	.macros = macros,
	.macro_count = 1,
	.ask = ask,
	.ask_options = rows,
	.ask_option_count = sizeof(rows) / sizeof(*rows),
	.ask_size = sizeof(struct options),
};
