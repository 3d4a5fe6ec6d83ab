/* SPDX-License-Identifier: MIT */
/*
 * script_api_session.c - m.client, m.server, m.auth and m.tls
 *
 * What the MTA did not say is nil where it would have said it, and an error where it never says it.
 */
#include <lauxlib.h>

#include "script_api.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static struct cm_session *
session(lua_State *L)
{
	return script_session_now(L);
}

/* A number the MTA gives as text; 0 is not told. */
static int
push_number(lua_State *L, unsigned number, const char *macro, const char *what)
{
	if (number == 0)
		return script_push_fact(L, NULL, macro, what);
	lua_pushinteger(L, number);
	return 1;
}

/* --- client --------------------------------------------------------------------------------------
 */

static int
client_inside(lua_State *L)
{
	int count = lua_gettop(L);
	bool inside = false;

	script_self(L, &script_class_client);
	luaL_checkstring(L, 2);
	for (int i = 2; i <= count; i++) {
		const char *text = script_check_text(L, i);
		bool ok;

		inside |= script_client_inside(session(L), text, &ok);
		if (!ok)
			return luaL_error(L, "\"%s\" is not an address or network", text);
	}
	lua_pushboolean(L, inside);
	return 1;
}

static int
client_ip(lua_State *L, const struct script_object *o)
{
	(void)o;
	return script_push_text(L, cm_client(session(L))->ip);
}

static int
client_name(lua_State *L, const struct script_object *o)
{
	(void)o;
	return script_push_text(L, cm_client(session(L))->name);
}

static int
client_port(lua_State *L, const struct script_object *o)
{
	unsigned port = cm_client(session(L))->port;

	(void)o;
	/* It comes with the connection, not by a macro: what is not there nobody knows. */
	if (port == 0)
		lua_pushnil(L);
	else
		lua_pushinteger(L, port);
	return 1;
}

static int
client_ptr(lua_State *L, const struct script_object *o)
{
	(void)o;
	return script_push_fact(
		L, cm_client(session(L))->ptr, "{client_ptr}", "the client's reverse name");
}

static const struct cm_macro ptr_macros[] = {{CM_STAGE_CONNECT, "{client_ptr}"}, {0, NULL}};

static const struct script_row client_rows[] = {
	{"inside", SCRIPT_FUNCTION, .call = client_inside,
		.parameters = "network: string, ...: string", .result = "boolean",
		.help = "is the client in one of the networks \"192.0.2.0/24\"?"},
	{"ip", SCRIPT_FIELD, client_ip, .result = "string",
		.help = "address; \"\" for a local client"},
	{"name", SCRIPT_FIELD, client_name, .result = "string",
		.help = "verified host name, or \"unknown\""},
	{"port", SCRIPT_FIELD, client_port, .result = "integer?",
		.help = "the client's port; nil for a local client"},
	{"ptr", SCRIPT_FIELD, client_ptr, .result = "string?", .macros = ptr_macros,
		.help = "reverse name as DNS gives it, not verified"},
};

const struct script_class script_class_client = {
	.name = "Client",
	.what = "client",
	.kind = SCRIPT_OBJECT,
	.rows = client_rows,
	.row_count = COUNT(client_rows),
	.text = client_ip,
};

/* --- server --------------------------------------------------------------------------------------
 */

static int
server_daemon(lua_State *L, const struct script_object *o)
{
	(void)o;
	return script_push_fact(L, cm_server(session(L))->daemon, "{daemon_name}",
		"the name of the MTA's listener");
}

static int
server_ip(lua_State *L, const struct script_object *o)
{
	(void)o;
	return script_push_fact(
		L, cm_server(session(L))->ip, "{daemon_addr}", "the address the client reached");
}

static int
server_name(lua_State *L, const struct script_object *o)
{
	(void)o;
	return script_push_fact(L, cm_server(session(L))->name, "j", "the MTA's host name");
}

static int
server_port(lua_State *L, const struct script_object *o)
{
	(void)o;
	return push_number(
		L, cm_server(session(L))->port, "{daemon_port}", "the port the client reached");
}

static const struct script_row server_rows[] = {
	{"daemon", SCRIPT_FIELD, server_daemon, .result = "string?",
		.help = "the MTA's name for the listener"},
	{"ip", SCRIPT_FIELD, server_ip, .result = "string?", .help = "address the client reached"},
	{"name", SCRIPT_FIELD, server_name, .result = "string?", .help = "the MTA's host name"},
	{"port", SCRIPT_FIELD, server_port, .result = "integer?",
		.help = "port the client reached: 25, 465, 587"},
};

const struct script_class script_class_server = {
	.name = "Server",
	.what = "server",
	.kind = SCRIPT_OBJECT,
	.rows = server_rows,
	.row_count = COUNT(server_rows),
};

/* --- login and TLS -------------------------------------------------------------------------------
 */

static int
auth_method(lua_State *L, const struct script_object *o)
{
	const struct cm_auth *auth = o->data;

	return script_push_fact(L, auth->method, "{auth_type}", "the method of the login");
}

static int
auth_user(lua_State *L, const struct script_object *o)
{
	const struct cm_auth *auth = o->data;

	return script_push_text(L, auth->user);
}

static const struct script_row auth_rows[] = {
	{"method", SCRIPT_FIELD, auth_method, .result = "string?", .help = "\"PLAIN\""},
	{"user", SCRIPT_FIELD, auth_user, .result = "string", .help = "login name"},
};

const struct script_class script_class_auth = {
	.name = "Auth",
	.what = "auth",
	.kind = SCRIPT_OBJECT,
	.rows = auth_rows,
	.row_count = COUNT(auth_rows),
	.text = auth_user,
};

static int
tls_bits(lua_State *L, const struct script_object *o)
{
	const struct cm_tls *tls = o->data;

	return push_number(L, tls->bits, "{cipher_bits}", "the strength of the cipher");
}

static int
tls_cert_subject(lua_State *L, const struct script_object *o)
{
	const struct cm_tls *tls = o->data;

	return script_push_fact(L, tls->cert_subject, "{cert_subject}", "the client's certificate");
}

static int
tls_cipher(lua_State *L, const struct script_object *o)
{
	const struct cm_tls *tls = o->data;

	return script_push_fact(L, tls->cipher, "{cipher}", "the cipher");
}

static int
tls_version(lua_State *L, const struct script_object *o)
{
	const struct cm_tls *tls = o->data;

	return script_push_text(L, tls->version);
}

static const struct cm_macro bits_macros[] = {{CM_STAGE_MAIL, "{cipher_bits}"}, {0, NULL}};
static const struct cm_macro cipher_macros[] = {{CM_STAGE_MAIL, "{cipher}"}, {0, NULL}};
static const struct cm_macro subject_macros[] = {{CM_STAGE_MAIL, "{cert_subject}"}, {0, NULL}};

static const struct script_row tls_rows[] = {
	{"bits", SCRIPT_FIELD, tls_bits, .result = "integer?", .macros = bits_macros,
		.help = "strength of the cipher"},
	{"cert_subject", SCRIPT_FIELD, tls_cert_subject, .result = "string?",
		.macros = subject_macros, .help = "subject of the client's certificate"},
	{"cipher", SCRIPT_FIELD, tls_cipher, .result = "string?", .macros = cipher_macros,
		.help = "name of the cipher"},
	{"version", SCRIPT_FIELD, tls_version, .result = "string", .help = "\"TLSv1.3\""},
};

const struct script_class script_class_tls = {
	.name = "Tls",
	.what = "tls",
	.kind = SCRIPT_OBJECT,
	.rows = tls_rows,
	.row_count = COUNT(tls_rows),
	.text = tls_version,
};
