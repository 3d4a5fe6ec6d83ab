/* SPDX-License-Identifier: MIT */
/*
 * selftest_filter.c - a small libmilter filter with known answers, to test the runner of
 * transcripts
 *
 * It is run as `selftest_filter serve --config FILE` and reads `socket = ...` and `steps = 0x...`
 * from the file. What it answers is told by the local part of an address or by a header name. Three
 * of its answers are wrong on purpose: <leak@...> remembers over messages, <harm@...> refuses the
 * message of <witness@...>, <die@...> ends the process.
 */
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Answers at these stages are kept until the end of the message where the steps say "no reply". */
static unsigned long steps;
/* The message of another client is to be refused. */
static atomic_bool harmed;

struct state {
	sfsistat kept;
	unsigned leaks;
	char sender[64];
};

static struct state *
state_of(SMFICTX *ctx)
{
	struct state *s = smfi_getpriv(ctx);

	if (!s) {
		s = calloc(1, sizeof *s);
		if (!s)
			abort();
		smfi_setpriv(ctx, s);
	}
	return s;
}

static bool
local_part_is(const char *address, const char *word)
{
	size_t length = strlen(word);

	address += *address == '<';
	return strncmp(address, word, length) == 0 && address[length] == '@';
}

static sfsistat
refuse(SMFICTX *ctx, const char *code, const char *status, const char *text)
{
	smfi_setreply(ctx, (char *)code, (char *)status, (char *)text);
	return code[0] == '5' ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

/* Gives the answer now, or keeps it where no reply was agreed on. */
static sfsistat
give(struct state *s, unsigned long no_reply, sfsistat answer)
{
	if ((steps & no_reply) == 0)
		return answer;
	if (answer != SMFIS_CONTINUE && answer != SMFIS_SKIP)
		s->kept = answer;
	return SMFIS_NOREPLY;
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long offered, unsigned long f2,
	unsigned long f3, unsigned long *want_actions, unsigned long *want_steps, unsigned long *w2,
	unsigned long *w3)
{
	(void)f2;
	(void)f3;
	*want_actions = actions;
	*want_steps = steps & offered;
	*w2 = *w3 = 0;
	smfi_setsymlist(ctx, SMFIM_CONNECT, (char *)"j {daemon_port} {client_addr}");
	/* libmilter keeps the old values when a list comes empty, hence j, which is always there.
	 */
	smfi_setsymlist(ctx, SMFIM_ENVFROM, (char *)"j {auth_authen}");
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)address;
	(void)name;
	return give(state_of(ctx), SMFIP_NR_CONN, SMFIS_CONTINUE);
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	if (strcmp(name, "refuse.example") == 0)
		return refuse(ctx, "550", "5.7.1", "not you");
	return give(state_of(ctx), SMFIP_NR_HELO, SMFIS_CONTINUE);
}

static sfsistat
on_mail(SMFICTX *ctx, char **words)
{
	struct state *s = state_of(ctx);
	const char *port = smfi_getsymval(ctx, (char *)"{daemon_port}");
	const char *login = smfi_getsymval(ctx, (char *)"{auth_authen}");

	s->leaks++;
	s->kept = SMFIS_CONTINUE;
	snprintf(s->sender, sizeof s->sender, "%s", words[0]);
	if (port && strcmp(port, "587") == 0 && !login)
		return refuse(ctx, "530", "5.7.0", "Authentication required (id 4bXk2h)");
	if (local_part_is(words[0], "refuse"))
		return refuse(ctx, "550", "5.7.1", "go away (id 4bXk2h)");
	if (local_part_is(words[0], "percent"))
		return refuse(ctx, "451", "4.3.0", "95%% full");
	if (local_part_is(words[0], "accept"))
		return SMFIS_ACCEPT;
	if (local_part_is(words[0], "discard"))
		return SMFIS_DISCARD;
	if (local_part_is(words[0], "leak") && s->leaks > 1)
		return SMFIS_REJECT;
	if (local_part_is(words[0], "logged"))
		fputs("selftest: logged\n", stderr);
	if (local_part_is(words[0], "harm"))
		atomic_store(&harmed, true);
	if (local_part_is(words[0], "die"))
		abort();
	return SMFIS_CONTINUE;
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **words)
{
	if (strcmp(words[0], "<u1000@example.com>") == 0)
		return refuse(ctx, "452", "4.5.3", "Too many recipients");
	if (local_part_is(words[0], "refuse"))
		return refuse(ctx, "550", "5.1.1", "nobody here");
	if (local_part_is(words[0], "bare"))
		return SMFIS_TEMPFAIL;
	return SMFIS_CONTINUE;
}

static sfsistat
on_data(SMFICTX *ctx)
{
	struct state *s = state_of(ctx);

	return give(s, SMFIP_NR_DATA,
		local_part_is(s->sender, "data") ? SMFIS_TEMPFAIL : SMFIS_CONTINUE);
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)value;
	return give(state_of(ctx), SMFIP_NR_HDR,
		strcmp(name, "X-Refuse") == 0 ? SMFIS_REJECT : SMFIS_CONTINUE);
}

static sfsistat
on_eoh(SMFICTX *ctx)
{
	return give(state_of(ctx), SMFIP_NR_EOH, SMFIS_CONTINUE);
}

/* A chunk that begins with "skip" ends the body; one that begins with "never" must not come then.
 */
static sfsistat
on_body(SMFICTX *ctx, unsigned char *bytes, size_t length)
{
	sfsistat answer = SMFIS_CONTINUE;

	if (length >= 4 && memcmp(bytes, "skip", 4) == 0)
		answer = SMFIS_SKIP;
	if (length >= 5 && memcmp(bytes, "never", 5) == 0)
		answer = SMFIS_REJECT;
	return give(state_of(ctx), SMFIP_NR_BODY, answer);
}

/* The blank behind the colon is the filter's business where it asked for that. */
static char *
value(const char *text)
{
	return (char *)text + ((steps & SMFIP_HDR_LEADSPC) == 0);
}

static void
edit_everything(SMFICTX *ctx)
{
	smfi_replacebody(ctx, (unsigned char *)"new\r\n", 5);
	smfi_replacebody(ctx, (unsigned char *)"body\r\n", 6);
	smfi_chgfrom(ctx, (char *)"<new@example.org>", NULL);
	smfi_addrcpt(ctx, (char *)"<more@example.com>");
	smfi_delrcpt(ctx, (char *)"<b@example.com>");
	smfi_chgheader(ctx, (char *)"Subject", 1, value(" changed"));
	smfi_chgheader(ctx, (char *)"X-Old", 2, (char *)"");
	smfi_insheader(ctx, 0, (char *)"X-Top", value(" first\n\tand folded"));
	smfi_addheader(ctx, (char *)"X-Filter", value(" yes"));
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	struct state *s = state_of(ctx);

	if (s->kept != SMFIS_CONTINUE)
		return s->kept;
	if (local_part_is(s->sender, "witness") && atomic_exchange(&harmed, false))
		return SMFIS_REJECT;
	if (local_part_is(s->sender, "edit"))
		edit_everything(ctx);
	if (local_part_is(s->sender, "hold"))
		smfi_quarantine(ctx, (char *)"looks odd");
	if (local_part_is(s->sender, "late")) {
		smfi_progress(ctx);
		return refuse(ctx, "554", "5.7.1", "refused at the end");
	}
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	free(smfi_getpriv(ctx));
	smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

static bool
read_config(const char *path, char *socket, size_t size)
{
	char line[512];
	FILE *f = fopen(path, "r");

	socket[0] = '\0';
	while (f && fgets(line, sizeof line, f)) {
		char value[512];

		if (sscanf(line, " socket = %511s", value) == 1)
			snprintf(socket, size, "%s", value);
		(void)sscanf(line, " steps = %lx", &steps);
	}
	if (f)
		fclose(f);
	return socket[0] != '\0';
}

int
main(int argc, char **argv)
{
	char socket[512];
	const struct smfiDesc filter = {
		.xxfi_name = (char *)"selftest",
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
		.xxfi_close = on_close,
		.xxfi_data = on_data,
		.xxfi_negotiate = on_negotiate,
	};

	if (argc != 4 || !read_config(argv[3], socket, sizeof socket)) {
		fprintf(stderr, "usage: selftest_filter serve --config FILE\n");
		return 2;
	}
	if (smfi_setconn(socket) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS)
		return 1;
	fprintf(stderr, "selftest: ready \\x1b\n");
	/* Its threads may still run, and exit() would destroy their mutexes. */
	_exit(smfi_main() == MI_SUCCESS ? 0 : 1);
}
