/* SPDX-License-Identifier: MIT */
/*
 * prober.c - a plugin whose probe writes down what works for it, and waits if it is told to
 */
#include <chainmail/plugin.h>
#include <stdio.h>

struct config {
	const char *diary;
	int64_t wait_us;
};

static void
note(const struct config *config, const char *name, const char *what)
{
	FILE *f = fopen(config->diary, "a");

	if (f == NULL)
		return;
	fprintf(f, "%s %s\n", name, what);
	fclose(f);
}

static bool
works(struct cm_session *s)
{
	bool no_client = cm_client(s)->ip[0] == '\0' && cm_helo(s) == NULL && cm_sender(s) == NULL;

	cm_set_result(s, "result", "probed");
	cm_log(s, CM_LOG_INFO, "probed");
	return no_client && cm_deadline(s) > cm_clock(s) &&
	       cm_result(s, "prober", "result") != NULL;
}

static void
probe(struct cm_session *s)
{
	const struct config *config = cm_config(s);

	note(config, cm_link_name(s), works(s) ? "probed" : "lacks something");
	if (config->wait_us > 0)
		note(config, cm_link_name(s),
			cm_pause(s, config->wait_us) ? "waited" : "was cancelled");
}

static enum cm_verdict
mail(struct cm_session *s, const struct cm_event *ev)
{
	(void)s;
	(void)ev;
	return CM_CONTINUE;
}

static const struct cm_option options[] = {
	{"diary", CM_OPT_PATH, offsetof(struct config, diary), .flags = CM_OPT_REQUIRED,
		.help = "file it writes to"},
	{"wait", CM_OPT_DURATION, offsetof(struct config, wait_us), "0s",
		.help = "how long a probe takes"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "prober",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.mail = mail,
	.probe = probe,
};
