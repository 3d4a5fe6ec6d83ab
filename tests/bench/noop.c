/* SPDX-License-Identifier: MIT */
/*
 * noop.c - a libmilter filter that does nothing, to measure what the protocol itself costs
 *
 * It negotiates exactly what it is told to, so that a filter that does something can be compared
 * with one that is asked the same questions. `load --show-negotiation` prints the arguments it
 * takes.
 */
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_MAX ((size_t)1 << 20)

static unsigned long steps;
static unsigned long actions;

static const struct {
	const char *name;
	int stage;
} stages[] = {
	{"connect", SMFIM_CONNECT},
	{"data", SMFIM_DATA},
	{"eoh", SMFIM_EOH},
	{"eom", SMFIM_EOM},
	{"helo", SMFIM_HELO},
	{"mail", SMFIM_ENVFROM},
	{"rcpt", SMFIM_ENVRCPT},
};

static char *lists[SMFIM_LAST + 1];

static sfsistat
answer(unsigned long no_reply)
{
	return (steps & no_reply) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long offered_actions, unsigned long offered_steps,
	unsigned long f2, unsigned long f3, unsigned long *want_actions, unsigned long *want_steps,
	unsigned long *w2, unsigned long *w3)
{
	(void)f2;
	(void)f3;
	*want_actions = actions & offered_actions;
	*want_steps = steps & offered_steps;
	*w2 = *w3 = 0;
	for (int i = 0; i <= SMFIM_LAST; i++)
		if (lists[i])
			smfi_setsymlist(ctx, i, lists[i]);
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)ctx;
	(void)name;
	(void)address;
	return answer(SMFIP_NR_CONN);
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	(void)ctx;
	(void)name;
	return answer(SMFIP_NR_HELO);
}

static sfsistat
on_mail(SMFICTX *ctx, char **words)
{
	(void)ctx;
	(void)words;
	return answer(SMFIP_NR_MAIL);
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **words)
{
	(void)ctx;
	(void)words;
	return answer(SMFIP_NR_RCPT);
}

static sfsistat
on_data(SMFICTX *ctx)
{
	(void)ctx;
	return answer(SMFIP_NR_DATA);
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return answer(SMFIP_NR_HDR);
}

static sfsistat
on_eoh(SMFICTX *ctx)
{
	(void)ctx;
	return answer(SMFIP_NR_EOH);
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *bytes, size_t length)
{
	(void)ctx;
	(void)bytes;
	(void)length;
	return answer(SMFIP_NR_BODY);
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

/* "mail:i,{auth_authen}" */
static int
set_list(const char *text)
{
	const char *colon = strchr(text, ':');

	for (size_t i = 0; colon && i < sizeof stages / sizeof *stages; i++)
		if (strlen(stages[i].name) == (size_t)(colon - text) &&
			strncmp(stages[i].name, text, (size_t)(colon - text)) == 0) {
			char *list = strdup(colon + 1);

			for (char *p = list; p && *p; p++)
				if (*p == ',')
					*p = ' ';
			lists[stages[i].stage] = list;
			return 0;
		}
	fprintf(stderr, "noop: %s: not STAGE:NAME,NAME...\n", text);
	return -1;
}

static int
read_options(int argc, char **argv)
{
	static const struct option rows[] = {
		{"actions", required_argument, NULL, 'a'},
		{"macros", required_argument, NULL, 'm'},
		{"steps", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (c == 'a')
			actions = strtoul(optarg, NULL, 0);
		else if (c == 's')
			steps = strtoul(optarg, NULL, 0);
		else if (c != 'm' || set_list(optarg) != 0)
			return -1;
	}
	return argc == optind + 1 ? 0 : -1;
}

int
main(int argc, char **argv)
{
	const struct smfiDesc filter = {
		.xxfi_name = (char *)"noop",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFI_CURR_ACTS,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_data = on_data,
		.xxfi_negotiate = on_negotiate,
	};

	if (read_options(argc, argv) != 0) {
		fprintf(stderr, "usage: noop SOCKET [--steps HEX] [--actions HEX] "
				"[--macros STAGE:NAME,NAME...]...\n");
		return 2;
	}
	smfi_setmaxdatasize(PACKET_MAX);
	if (smfi_setconn(argv[optind]) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
