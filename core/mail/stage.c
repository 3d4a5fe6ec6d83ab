/* SPDX-License-Identifier: MIT */
/*
 * stage.c - the one table of SMTP stages
 *
 * The milter constants stand here as plain numbers; nothing of libmilter is called.
 */
#include "stage.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <string.h>

#define BIT(verdict) (1u << (verdict))
#define ANY_VERDICT                                                                                \
	(BIT(CM_CONTINUE) | BIT(CM_ACCEPT) | BIT(CM_REJECT) | BIT(CM_TEMPFAIL) | BIT(CM_DISCARD) | \
		BIT(CM_DONE) | BIT(CM_FAILED))
/* There is no message to accept or drop, and the next unknown command is another matter. */
#define COMMAND_VERDICT (BIT(CM_CONTINUE) | BIT(CM_REJECT) | BIT(CM_TEMPFAIL) | BIT(CM_FAILED))

const struct stage stages[CM_STAGE_COUNT] = {
	{
		.id = CM_STAGE_CONNECT,
		.name = "connect",
		.lua_name = "connect",
		.hook = offsetof(struct cm_plugin, connect),
		.scope = SCOPE_CONNECTION,
		.no_flag = SMFIP_NOCONNECT,
		.nr_flag = SMFIP_NR_CONN,
		.macro_list = SMFIM_CONNECT,
		.verdicts = ANY_VERDICT,
		.held = true,
	},
	{
		.id = CM_STAGE_HELO,
		.name = "helo",
		.lua_name = "helo",
		.hook = offsetof(struct cm_plugin, helo),
		.scope = SCOPE_CONNECTION,
		.no_flag = SMFIP_NOHELO,
		.nr_flag = SMFIP_NR_HELO,
		.macro_list = SMFIM_HELO,
		.verdicts = ANY_VERDICT,
		.held = true,
	},
	{
		.id = CM_STAGE_MAIL,
		.name = "mail",
		.lua_name = "mail",
		.hook = offsetof(struct cm_plugin, mail),
		.scope = SCOPE_MESSAGE,
		.no_flag = SMFIP_NOMAIL,
		.nr_flag = SMFIP_NR_MAIL,
		.macro_list = SMFIM_ENVFROM,
		.verdicts = ANY_VERDICT,
	},
	{
		.id = CM_STAGE_RCPT,
		.name = "rcpt",
		.lua_name = "rcpt",
		.hook = offsetof(struct cm_plugin, rcpt),
		.scope = SCOPE_RECIPIENT,
		.no_flag = SMFIP_NORCPT,
		.nr_flag = SMFIP_NR_RCPT,
		.macro_list = SMFIM_ENVRCPT,
		.verdicts = ANY_VERDICT,
	},
	{
		.id = CM_STAGE_DATA,
		.name = "data",
		.lua_name = "data",
		.hook = offsetof(struct cm_plugin, data),
		.scope = SCOPE_MESSAGE,
		.no_flag = SMFIP_NODATA,
		.nr_flag = SMFIP_NR_DATA,
		.macro_list = SMFIM_DATA,
		.verdicts = ANY_VERDICT,
	},
	{
		.id = CM_STAGE_HEADER,
		.name = "header",
		.hook = offsetof(struct cm_plugin, header),
		.scope = SCOPE_MESSAGE,
		.no_flag = SMFIP_NOHDRS,
		.nr_flag = SMFIP_NR_HDR,
		.macro_list = STAGE_NO_MACROS,
		.verdicts = ANY_VERDICT,
	},
	{
		.id = CM_STAGE_EOH,
		.name = "eoh",
		.lua_name = "headers",
		.hook = offsetof(struct cm_plugin, eoh),
		.scope = SCOPE_MESSAGE,
		.no_flag = SMFIP_NOEOH,
		.nr_flag = SMFIP_NR_EOH,
		.macro_list = SMFIM_EOH,
		.verdicts = ANY_VERDICT,
	},
	{
		.id = CM_STAGE_BODY,
		.name = "body",
		.hook = offsetof(struct cm_plugin, body),
		.scope = SCOPE_MESSAGE,
		.no_flag = SMFIP_NOBODY,
		.nr_flag = SMFIP_NR_BODY,
		.macro_list = STAGE_NO_MACROS,
		.verdicts = ANY_VERDICT,
	},
	{
		.id = CM_STAGE_EOM,
		.name = "eom",
		.lua_name = "message",
		.hook = offsetof(struct cm_plugin, eom),
		.scope = SCOPE_MESSAGE,
		.macro_list = SMFIM_EOM,
		.verdicts = ANY_VERDICT,
	},
	{
		.id = CM_STAGE_UNKNOWN,
		.name = "unknown",
		.hook = offsetof(struct cm_plugin, unknown),
		.scope = SCOPE_CONNECTION,
		.no_flag = SMFIP_NOUNKNOWN,
		.nr_flag = SMFIP_NR_UNKN,
		.macro_list = STAGE_NO_MACROS,
		.verdicts = COMMAND_VERDICT,
	},
};

static const char *const verdict_names[] = {
	[CM_CONTINUE] = "continue",
	[CM_ACCEPT] = "accept",
	[CM_REJECT] = "reject",
	[CM_TEMPFAIL] = "tempfail",
	[CM_DISCARD] = "discard",
	[CM_DONE] = "done",
	[CM_FAILED] = "failed",
};

#define VERDICT_COUNT (sizeof(verdict_names) / sizeof(*verdict_names))

cm_hook *
stage_hook(const struct stage *stage, const struct cm_plugin *plugin)
{
	cm_hook *hook;

	memcpy(&hook, (const char *)plugin + stage->hook, sizeof(hook));
	return hook;
}

bool
stage_allows(const struct stage *stage, enum cm_verdict v)
{
	return (unsigned)v < VERDICT_COUNT && (stage->verdicts & BIT(v)) != 0;
}

const struct stage *
stage_find(const char *name)
{
	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		const char *lua_name = stages[i].lua_name;

		if (strcmp(stages[i].name, name) == 0 ||
			(lua_name != NULL && strcmp(lua_name, name) == 0))
			return &stages[i];
	}
	return NULL;
}

const char *
verdict_name(enum cm_verdict v)
{
	return (unsigned)v < VERDICT_COUNT ? verdict_names[v] : "nonsense";
}

bool
verdict_final(enum cm_verdict v)
{
	return v == CM_REJECT || v == CM_TEMPFAIL || v == CM_DISCARD;
}
