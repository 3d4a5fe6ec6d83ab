/* SPDX-License-Identifier: MIT */
/*
 * fuzz_control.c - any octets as a request on the control socket
 *
 * The first octet says who asks, and whether what follows is the line itself or its words, one
 * behind another with a NUL between. Whatever is asked, the answer is lines of JSON that no
 * terminal acts on, and the last one says how it ended.
 */
#include <jansson.h>

#include "admin/control_client.h"
#include "base/clock.h"
#include "base/log_recent.h"
#include "base/text.h"
#include "service/store.h"
#include "world.h"

#define WALL	   1800000000
#define BY_WORDS   1u
#define BY_NOBODY  2u
#define WORDS_MOST 40u

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* A line that log may be asked for. */
static const struct log_field fields[] = {
	{"client", "CLIENT", "a]b[[192.0.2.1]", LOG_WORD},
	{"auth", "AUTH_USER", NULL, LOG_WORD},
	{"from", "FROM", "<a@b.example>", LOG_WORD},
	{"to", "TO", "<>>+2", LOG_WORD},
	{"spf", NULL, "pass", LOG_WORD},
	{"verdict", "VERDICT", "reject", LOG_WORD},
	{"shadow", "SHADOW", "a:reject,,:x,b", LOG_WORD},
};

static const char sections[] =
	"listener l { socket = inet:10025@127.0.0.1 }\n"
	"store m { type = memory }\n"
	"profile all { chain = [ quota, pairs, nets, news, greylist ] }\n"
	"plugin quota { type = ratelimit; key = [ auth_user ]; limit = [ 200/1h, 1000/1d ] }\n"
	"plugin pairs { type = ratelimit; key = [ client_ip, auth_user ]; limit = 100/1h }\n"
	"plugin nets { type = ratelimit; key = [ client_net ]; count = messages; limit = 100/1h }\n"
	"plugin news { type = ratelimit; key = [ auth_user ]; count = distinct_recipients\n"
	"    limit = [ 10/1h, 100/1d ] }\n"
	"plugin greylist { use_spf = no }\n";

static const char *const keys[] = {
	"limit/quota/bob",
	"limit/quota/a%2Fb%1B\xff",
	"limit/pairs/192.0.2.1/bob",
	"limit/pairs/bob",
	"limit/nets/192.0.2.0%2F24",
	"limit/nets/2001:db8::%2F64",
	"limit/nets/x",
	"limit/news/bob/1h",
	"limit/news/bob/1x",
	"greylist/greylist/triple/192.0.2.0%2F24/a@example.org/b@example.com",
	"greylist/greylist/from/x",
};

static void
fill(struct cm_store *store)
{
	const struct cm_limit limit = {.windows = 1, .window = {{200, 3600 * CLOCK_SEC, 0}}};
	const struct cm_limit_take take = {.step = CM_LIMIT_COMMIT, .cost = 17};
	struct cm_limit_answer answer;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		(void)store_limit(
			store, keys[i], strlen(keys[i]), &limit, &take, INT64_MAX, &answer);
}

static void
load(void)
{
	char path[TEMP_NAME_SIZE], dir[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", dir, sizeof(dir) - 16);
	const struct log_config log = {.target = LOG_TARGET_FILE, .path = "/dev/null"};
	int fd = temp_file(path, "chainmail-fuzz");
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	struct diag *diag = diag_new();
	struct err err;

	if (len <= 0 || f == NULL || !log_open(&log, 1, &err))
		die("no configuration");
	dir[len] = '\0';
	for (int up = 0; up < 3; up++)
		*strrchr(dir, '/') = '\0';
	fprintf(f, "main { plugin_dir = \"%s/plugins\" }\n%s", dir, sections);
	fclose(f);
	struct generation *g = generation_load(path, diag);

	diag_print(diag, stderr);
	diag_free(diag);
	unlink(path);
	if (g == NULL)
		die("the configuration does not load");
	clock_freeze(WALL);
	log_recent_begin();
	log_record("4XZ", fields, sizeof(fields) / sizeof(*fields));
	log_record(NULL, fields, 3);
	fill(g->stores[0]);
	generation_swap(g);
}

/* {"command":["word","word"]} */
static void
make_line(struct buf *line, const char *data, size_t size)
{
	buf_add_str(line, "{\"command\":[");
	for (unsigned i = 0; i < WORDS_MOST; i++) {
		size_t len = strnlen(data, size);

		buf_add_str(line, i > 0 ? "," : "");
		text_json(line, data, len);
		if (len == size)
			break;
		data += len + 1;
		size -= len + 1;
	}
	buf_add_str(line, "]}");
}

static void
check_line(const char *line, size_t len, bool last)
{
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *error = json_string_value(json_object_get(root, "error"));
	bool end = json_is_true(json_object_get(root, "done")) || error != NULL;

	if (!json_is_object(root) || end != last)
		die("a line is no row, or another than the last is the end");
	if (error != NULL && json_string_value(json_object_get(root, "kind")) == NULL)
		die("an error without its kind");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		if (c < ' ' || c == 0x7f || (c == 0xc2 && (unsigned char)line[i + 1] < 0xa0))
			die("an octet that terminals act on");
	}
	if (text_utf8_valid(line, len) != len)
		die("octets that are no UTF-8");
	json_decref(root);
}

static void
check_answer(const struct buf *out)
{
	const char *line = out->data, *end;

	if (out->len == 0 || out->data[out->len - 1] != '\n')
		die("an answer without its end");
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1)
		check_line(line, (size_t)(end - line), end[1] == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct control_client c;
	static bool loaded;
	struct buf line;

	if (size == 0)
		return 0;
	if (!loaded)
		load();
	loaded = true;
	c.wire.fd = -1;
	c.config = "/nonexistent/filter.conf";
	c.uid = (data[0] & BY_NOBODY) != 0 ? 65534 : 0;
	buf_init(&c.out, 0);
	buf_init(&line, 0);
	if ((data[0] & BY_WORDS) != 0)
		make_line(&line, (const char *)data + 1, size - 1);
	else
		buf_add(&line, data + 1, size - 1);
	control_answer(&c, line.data, line.len);
	check_answer(&c.out);
	buf_fini(&line);
	buf_fini(&c.out);
	return 0;
}
