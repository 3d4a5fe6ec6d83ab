/* SPDX-License-Identifier: MIT */
/*
 * slow.c - a check that waits: as it should, or without a word
 */
#include <chainmail/plugin.h>
#include <unistd.h>

struct config {
	int64_t mail_us, eom_us;
	bool silent;
};

static const struct cm_option options[] = {
	{"eom", CM_OPT_DURATION, offsetof(struct config, eom_us), "0s",
		.help = "at end of message"},
	{"mail", CM_OPT_DURATION, offsetof(struct config, mail_us), "0s", .help = "at MAIL"},
	{"silent", CM_OPT_BOOL, offsetof(struct config, silent), "no",
		.help = "does not say that it waits"},
};

static enum cm_verdict
wait(struct cm_session *s, int64_t us)
{
	const struct config *config = cm_config(s);

	if (config->silent)
		usleep((useconds_t)us);
	else if (us > 0 && !cm_pause(s, us))
		cm_log(s, CM_LOG_WARN, "waited in vain");
	return CM_CONTINUE;
}

static enum cm_verdict
mail(struct cm_session *s, const struct cm_event *ev)
{
	(void)ev;
	return wait(s, ((const struct config *)cm_config(s))->mail_us);
}

static enum cm_verdict
eom(struct cm_session *s, const struct cm_event *ev)
{
	(void)ev;
	return wait(s, ((const struct config *)cm_config(s))->eom_us);
}

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "slow",
	.help = "waits",
	.options = options,
	.option_count = 3,
	.option_size = sizeof(struct cm_option),
	.config_size = sizeof(struct config),
	.mail = mail,
	.eom = eom,
};
