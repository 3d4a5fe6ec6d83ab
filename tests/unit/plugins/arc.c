/* SPDX-License-Identifier: MIT */
/*
 * arc.c - stands for the plugins dkim and arc: says of a message what its X-Claim fields say
 *
 * "dkim=pass d=example.org s=key1" is a signature, "result=pass", "sealer=example.org" and the like
 * are results of arc. Without a signature that is said, too, as dkim
 * does, unless a field says "nobody looked".
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <string.h>

#define WORD_SIZE 400

/* What stands behind "name=" in the text; false: nothing. */
static bool
word(const char *text, const char *name, char out[WORD_SIZE])
{
	size_t len = strlen(name);

	for (const char *p = text; (p = strstr(p, name)) != NULL; p += len) {
		if ((p > text && p[-1] != ' ') || p[len] != '=')
			continue;
		snprintf(out, WORD_SIZE, "%.*s", (int)strcspn(p + len + 1, " "), p + len + 1);
		return true;
	}
	return false;
}

static bool
sign(struct cm_session *s, const char *claim)
{
	char result[WORD_SIZE], domain[WORD_SIZE] = "", selector[WORD_SIZE] = "";
	const struct cm_auth_property properties[] = {
		{"header", "d", domain}, {"header", "s", selector}};
	struct cm_auth_result r = {
		.method = "dkim", .result = result, .count = 2, .properties = properties};

	if (!word(claim, "dkim", result))
		return false;
	word(claim, "d", domain);
	r.count = 1 + word(claim, "s", selector);
	cm_add_auth_result(s, &r);
	return true;
}

static enum cm_verdict
eom(struct cm_session *s, const struct cm_event *ev)
{
	static const char *const keys[] = {"dmarc", "oldest_pass", "result", "sealer"};
	bool is_signed = false, silent = false;
	const char *claim;

	(void)ev;
	for (size_t n = 1; (claim = cm_header(s, "X-Claim", n)) != NULL; n++) {
		is_signed |= sign(s, claim);
		silent |= strcmp(claim, "nobody looked") == 0;
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
			char value[WORD_SIZE];

			if (word(claim, keys[i], value))
				cm_set_result(s, keys[i], value);
		}
	}
	if (!is_signed && !silent)
		cm_add_auth_result(s, &(struct cm_auth_result){.method = "dkim", .result = "none"});
	return CM_CONTINUE;
}

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "arc",
	.help = "says what a message says of itself",
	.needs = CM_NEED_HEADERS,
	.eom = eom,
};
