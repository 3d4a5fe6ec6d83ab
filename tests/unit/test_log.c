/* SPDX-License-Identifier: MIT */
/*
 * test_log.c - log lines and records at every kind of target
 *
 * The targets are real: files, pipes, and sockets of our own in place of the journal and syslog.
 */
#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log_line.h"
#include "table.h"
#include "temp.h"

static char dir[TEMP_NAME_SIZE];
static char path[128];
static struct err err;

static void
setup(void)
{
	ck_assert(temp_dir(dir, "chainmail-log"));
	snprintf(path, sizeof(path), "%s/log", dir);
	setenv("TZ", "UTC-1", 1);
	clock_freeze(1700000000);
}

static void
teardown(void)
{
	log_close();
	unlink(path);
	rmdir(dir);
}

static void
open_one(enum log_target target, enum log_format format, enum log_level level, const char *where)
{
	struct log_config config = {
		.target = target, .format = format, .level = level, .path = where, .summary = true};

	ck_assert_msg(log_open(&config, 1, &err), "%s", err.text);
}

/* The file without its "TIME chainmail[PID]: " and with PID for the number of this process. */
static const char *
read_log(void)
{
	static char text[65536];
	FILE *f = fopen(path, "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static const char *
line_of_text(const char *words)
{
	static char line[16384];

	snprintf(line, sizeof(line), "2023-11-14T23:13:20+01:00 chainmail[%d]: %s\n", (int)getpid(),
		words);
	return line;
}

/* --- lines --- */

static const struct {
	const char *name;
	enum log_level level;
	const char *argument, *text, *json;
} lines[] = {
	{"information has no prefix", LOG_LEVEL_INFO, "up", "said up",
		"\"info\",\"message\":\"said up\""},
	{"a warning says so", LOG_LEVEL_WARN, "up", "warning: said up",
		"\"warn\",\"message\":\"said up\""},
	{"an error says so", LOG_LEVEL_ERROR, "up", "error: said up",
		"\"error\",\"message\":\"said up\""},
	{"line ends are escaped", LOG_LEVEL_INFO, "a\r\nfake: line", "said a\\x0d\\x0afake: line",
		"\"info\",\"message\":\"said a\\u000d\\u000afake: line\""},
	{"a terminal is safe", LOG_LEVEL_INFO, "\033]0;x\a", "said \\x1b]0;x\\x07",
		"\"info\",\"message\":\"said \\u001b]0;x\\u0007\""},
	{"quoting done before stays", LOG_LEVEL_INFO, "\"a\\x0a\"", "said \"a\\x0a\"",
		"\"info\",\"message\":\"said \\\"a\\\\x0a\\\"\""},
	{"a percent sign is no format", LOG_LEVEL_INFO, "100%s%n", "said 100%s%n",
		"\"info\",\"message\":\"said 100%s%n\""},
};

START_TEST(line_is_written_as_text_and_as_json)
{
	char json[512];

	open_one(LOG_TARGET_FILE, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, path);
	log_write(lines[_i].level, "said %s", lines[_i].argument);
	ck_assert_str_eq(read_log(), line_of_text(lines[_i].text));
	unlink(path);
	open_one(LOG_TARGET_FILE, LOG_FORMAT_JSON, LOG_LEVEL_INFO, path);
	log_write(lines[_i].level, "said %s", lines[_i].argument);
	snprintf(json, sizeof(json),
		"{\"time\":\"2023-11-14T23:13:20+01:00\",\"pid\":%d,\"level\":%s}\n", (int)getpid(),
		lines[_i].json);
	ck_assert_str_eq(read_log(), json);
}
END_TEST

START_TEST(level_decides_what_is_written)
{
	struct log_config configs[] = {
		{.target = LOG_TARGET_FILE, .level = LOG_LEVEL_ERROR, .path = path},
		{.target = LOG_TARGET_FILE, .level = LOG_LEVEL_WARN, .path = "/dev/null"},
	};

	ck_assert(log_open(configs, 2, &err));
	ck_assert(log_wanted(LOG_LEVEL_ERROR));
	ck_assert(log_wanted(LOG_LEVEL_WARN));
	ck_assert(!log_wanted(LOG_LEVEL_INFO));
	ck_assert(!log_wanted(LOG_LEVEL_DEBUG));
	log_write(LOG_LEVEL_WARN, "not here");
	log_write(LOG_LEVEL_ERROR, "here");
	ck_assert_str_eq(read_log(), line_of_text("error: here"));
}
END_TEST

START_TEST(very_long_line_is_cut)
{
	static char words[100000];

	memset(words, '\n', sizeof(words) - 1);
	open_one(LOG_TARGET_FILE, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, path);
	log_write(LOG_LEVEL_INFO, "%s", words);
	ck_assert_uint_le(strlen(read_log()), 8192);
	ck_assert_str_eq(read_log() + strlen(read_log()) - 4, "...\n");
	unlink(path);
	open_one(LOG_TARGET_FILE, LOG_FORMAT_JSON, LOG_LEVEL_INFO, path);
	log_write(LOG_LEVEL_INFO, "%s", words);
	ck_assert_uint_le(strlen(read_log()), 8192);
	ck_assert_str_eq(read_log() + strlen(read_log()) - strlen("\\u000a\",\"cut\":true}\n"),
		"\\u000a\",\"cut\":true}\n");
}
END_TEST

/* --- records --- */

static const struct log_field fields[] = {
	{"id", "ID", "4bXk2h", LOG_WORD},
	{"auth", "AUTH_USER", NULL, LOG_WORD},
	{"helo", "HELO", "a \"b\"\r\nX", LOG_QUOTED},
	{"from", "FROM", "<\"a b\"@example.org>", LOG_WORD},
	{"size", NULL, "18231", LOG_NUMBER},
	{"port", "PORT", "0x19", LOG_NUMBER},
};

static const struct {
	const char *name, *queue_id;
	enum log_format format;
	const char *text;
} records[] = {
	{"with a queue id", "4XZ9Yt0kqzQ", LOG_FORMAT_TEXT,
		"4XZ9Yt0kqzQ: id=4bXk2h auth=- helo=\"a \\\"b\\\"\\x0d\\x0aX\" "
		"from=<\"a\\x20b\"@example.org> size=18231 port=0x19"},
	{"without one", NULL, LOG_FORMAT_TEXT,
		"NOQUEUE: id=4bXk2h auth=- helo=\"a \\\"b\\\"\\x0d\\x0aX\" "
		"from=<\"a\\x20b\"@example.org> size=18231 port=0x19"},
	{"a hostile queue id", "A: b\n", LOG_FORMAT_TEXT,
		"A:\\x20b\\x0a: id=4bXk2h auth=- helo=\"a \\\"b\\\"\\x0d\\x0aX\" "
		"from=<\"a\\x20b\"@example.org> size=18231 port=0x19"},
	{"as JSON", "4XZ9Yt0kqzQ", LOG_FORMAT_JSON,
		"\"level\":\"info\",\"queue_id\":\"4XZ9Yt0kqzQ\",\"id\":\"4bXk2h\",\"auth\":null,"
		"\"helo\":\"a \\\"b\\\"\\u000d\\u000aX\",\"from\":\"<\\\"a b\\\"@example.org>\","
		"\"size\":18231,\"port\":\"0x19\"}"},
	{"as JSON without a queue id", NULL, LOG_FORMAT_JSON,
		"\"level\":\"info\",\"queue_id\":null,\"id\":\"4bXk2h\",\"auth\":null,"
		"\"helo\":\"a \\\"b\\\"\\u000d\\u000aX\",\"from\":\"<\\\"a b\\\"@example.org>\","
		"\"size\":18231,\"port\":\"0x19\"}"},
};

START_TEST(record_is_one_line)
{
	char json[1024];

	open_one(LOG_TARGET_FILE, records[_i].format, LOG_LEVEL_ERROR, path);
	log_record(records[_i].queue_id, fields, LENGTH(fields));
	if (records[_i].format == LOG_FORMAT_TEXT) {
		ck_assert_str_eq(read_log(), line_of_text(records[_i].text));
		return;
	}
	snprintf(json, sizeof(json), "{\"time\":\"2023-11-14T23:13:20+01:00\",\"pid\":%d,%s\n",
		(int)getpid(), records[_i].text);
	ck_assert_str_eq(read_log(), json);
}
END_TEST

static const struct {
	const char *text, *json;
} numbers[] = {
	{"0", "0"},
	{"-1", "-1"},
	{"12.50", "12.50"},
	{"01", "\"01\""},
	{"", "\"\""},
	{"-", "\"-\""},
	{"1.", "\"1.\""},
	{"1e9", "\"1e9\""},
	{"1,\"x\":2", "\"1,\\\"x\\\":2\""},
};

START_TEST(what_is_no_json_number_is_a_string)
{
	struct log_field field = {"n", NULL, numbers[_i].text, LOG_NUMBER};
	char wanted[64];

	open_one(LOG_TARGET_FILE, LOG_FORMAT_JSON, LOG_LEVEL_INFO, path);
	log_record("Q", &field, 1);
	snprintf(wanted, sizeof(wanted), "\"queue_id\":\"Q\",\"n\":%s}\n", numbers[_i].json);
	ck_assert_str_eq(strstr(read_log(), "\"queue_id\""), wanted);
}
END_TEST

/* Twenty values of 3000 line ends: each has its share, all of them are bounded. */
static const struct {
	const char *name, *zone;
} zones[] = {
	{"in Greenwich", "UTC0"},
	{"east of it", "CET-1CEST,M3.5.0,M10.5.0/3"},
	{"east of it by a part of an hour", "NPT-5:45"},
	{"west of it by half an hour", "NST3:30NDT,M3.2.0,M11.1.0"},
	{"west of it by less than an hour", "XXX0:30"},
	{"as far east as any place", "LINT-14"},
};

/* RFC 3339, with what strftime() has for the day, the time and the offset. */
START_TEST(time_is_written_as_strftime_does)
{
	uint32_t random = 1;

	setenv("TZ", zones[_i].zone, 1);
	tzset();
	for (int round = 0; round < 20000; round++) {
		time_t wall = (time_t)random;
		char text[32], expected[32], offset[8];
		struct tm local;

		random = random * 1664525 + 1013904223;
		localtime_r(&wall, &local);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &local);
		strftime(offset, sizeof(offset), "%z", &local);
		snprintf(expected + 19, sizeof(expected) - 19, "%.3s:%.2s", offset, offset + 3);
		log_line_time(wall, text);
		ck_assert_msg(strcmp(text, expected) == 0, "%s: %s, not %s", zones[_i].name, text,
			expected);
	}
}
END_TEST

START_TEST(huge_record_stays_one_bounded_line)
{
	static char value[3001];
	struct log_field many[20];
	const char *text;

	memset(value, '\n', sizeof(value) - 1);
	for (int i = 0; i < LENGTH(many); i++)
		many[i] = (struct log_field){"name", "NAME", value, LOG_QUOTED};
	for (int format = 0; format < 2; format++) {
		open_one(LOG_TARGET_FILE, (enum log_format)format, LOG_LEVEL_INFO, path);
		log_record("Q", many, LENGTH(many));
		text = read_log();
		ck_assert_uint_le(strlen(text), 8192);
		ck_assert_uint_gt(strlen(text), 4096);
		ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
		if (format == LOG_FORMAT_JSON)
			ck_assert_str_eq(text + strlen(text) - 14, "\",\"cut\":true}\n");
		unlink(path);
	}
}
END_TEST

START_TEST(records_are_left_out_without_summary)
{
	struct log_config config = {
		.target = LOG_TARGET_FILE, .level = LOG_LEVEL_DEBUG, .path = path};

	ck_assert(log_open(&config, 1, &err));
	log_record("Q", fields, LENGTH(fields));
	ck_assert_str_eq(read_log(), "");
}
END_TEST

/* --- targets --- */

static int
listen_at(const char *where)
{
	struct sockaddr_un peer = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	unlink(where);
	strcpy(peer.sun_path, where);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&peer, sizeof(peer)), 0);
	return fd;
}

static size_t
receive(int fd, char *out, size_t size)
{
	ssize_t n = recv(fd, out, size - 1, 0);

	ck_assert_int_gt(n, 0);
	out[n] = '\0';
	return (size_t)n;
}

/* Appends a field as the journal's protocol has it, with its length. */
static size_t
add_field(char *out, size_t len, const char *name, const char *value)
{
	size_t value_len = strlen(value);

	len += (size_t)sprintf(out + len, "%s\n", name);
	for (unsigned i = 0; i < 8; i++)
		out[len++] = (char)(value_len >> 8 * i & 0xff);
	return len + (size_t)sprintf(out + len, "%s\n", value);
}

START_TEST(journal_gets_a_record_as_fields)
{
	char got[8192], wanted[8192];
	int fd = listen_at(path);
	size_t len;

	open_one(LOG_TARGET_JOURNAL, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, path);
	log_record("4XZ9Yt0kqzQ", fields, LENGTH(fields));
	len = add_field(wanted, 0, "MESSAGE", records[0].text);
	len += (size_t)sprintf(wanted + len, "PRIORITY=6\nSYSLOG_IDENTIFIER=chainmail\n");
	len = add_field(wanted, len, "QUEUE_ID", "4XZ9Yt0kqzQ");
	len = add_field(wanted, len, "ID", "4bXk2h");
	len = add_field(wanted, len, "HELO", "a \"b\"\\x0d\\x0aX");
	len = add_field(wanted, len, "FROM", "<\"a b\"@example.org>");
	len = add_field(wanted, len, "PORT", "0x19");
	ck_assert_uint_eq(receive(fd, got, sizeof(got)), len);
	ck_assert_mem_eq(got, wanted, len);
	close(fd);
}
END_TEST

static const struct {
	enum log_level level;
	unsigned severity;
	const char *prefix;
} severities[] = {
	{LOG_LEVEL_ERROR, 3, "error: "},
	{LOG_LEVEL_WARN, 4, "warning: "},
	{LOG_LEVEL_INFO, 6, ""},
	{LOG_LEVEL_DEBUG, 7, "debug: "},
};

START_TEST(journal_and_syslog_are_told_how_bad_it_is)
{
	char got[1024], wanted[1024];
	int fd = listen_at(path);
	size_t len;

	open_one(LOG_TARGET_JOURNAL, LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG, path);
	log_write(severities[_i].level, "x");
	snprintf(got, sizeof(got), "%sx", severities[_i].prefix);
	len = add_field(wanted, 0, "MESSAGE", got);
	len += (size_t)sprintf(wanted + len, "PRIORITY=%u\nSYSLOG_IDENTIFIER=chainmail\n",
		severities[_i].severity);
	ck_assert_uint_eq(receive(fd, got, sizeof(got)), len);
	ck_assert_mem_eq(got, wanted, len);
	open_one(LOG_TARGET_SYSLOG, LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG, path);
	log_write(severities[_i].level, "x");
	snprintf(wanted, sizeof(wanted), "<%u>Nov 14 23:13:20 chainmail[%d]: %sx",
		16 + severities[_i].severity, (int)getpid(), severities[_i].prefix);
	receive(fd, got, sizeof(got));
	ck_assert_str_eq(got, wanted);
	close(fd);
}
END_TEST

START_TEST(restarted_syslog_is_found_again)
{
	char got[1024];
	int fd = listen_at(path);

	open_one(LOG_TARGET_SYSLOG, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, path);
	close(fd);
	log_write(LOG_LEVEL_INFO, "nobody hears this");
	fd = listen_at(path);
	log_write(LOG_LEVEL_INFO, "back");
	receive(fd, got, sizeof(got));
	ck_assert_ptr_nonnull(strstr(got, ": back"));
	receive(fd, got, sizeof(got));
	ck_assert_ptr_nonnull(strstr(got, ": warning: log: lines lost before this one: 1"));
	close(fd);
}
END_TEST

/* A reader that takes nothing: its queue fills. Check ends a test that waits. */
START_TEST(slow_reader_blocks_nobody)
{
	int fd = listen_at(path);

	open_one(LOG_TARGET_SYSLOG, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, path);
	for (int i = 0; i < 5000; i++)
		log_write(LOG_LEVEL_INFO, "line %d", i);
	close(fd);
}
END_TEST

/* Makes a pipe standard error; returns the end to read. */
static int
pipe_stderr(int *saved)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	*saved = dup(2);
	ck_assert_int_eq(dup2(ends[1], 2), 2);
	close(ends[1]);
	return ends[0];
}

static void
read_all(int fd, char *out, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t len = 0;

	while (len + 1 < size && poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0) {
		ssize_t n = read(fd, out + len, size - 1 - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	out[len] = '\0';
}

START_TEST(standard_error_has_no_time)
{
	char got[1024], wanted[1024];
	int saved;
	int fd = pipe_stderr(&saved);

	log_write(LOG_LEVEL_WARN, "early");
	open_one(LOG_TARGET_STDERR, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, NULL);
	log_write(LOG_LEVEL_INFO, "late");
	dup2(saved, 2);
	read_all(fd, got, sizeof(got));
	snprintf(wanted, sizeof(wanted), "chainmail[%d]: warning: early\nchainmail[%d]: late\n",
		(int)getpid(), (int)getpid());
	ck_assert_str_eq(got, wanted);
	close(fd);
}
END_TEST

START_TEST(full_pipe_blocks_nobody_and_loses_whole_lines)
{
	static char got[1 << 20];
	char last[64];
	int saved;
	int fd = pipe_stderr(&saved);

	open_one(LOG_TARGET_STDERR, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, NULL);
	for (int i = 0; i < 5000; i++)
		log_write(LOG_LEVEL_INFO, "line %d of those that fill the pipe", i);
	read_all(fd, got, sizeof(got));
	ck_assert_uint_gt(strlen(got), 10000);
	for (char *p = got, *end; *p != '\0'; p = end + 1) {
		end = strchr(p, '\n');
		ck_assert_ptr_nonnull(end);
		ck_assert_msg(strncmp(p, "chainmail[", 10) == 0, "%.60s", p);
	}
	log_write(LOG_LEVEL_INFO, "free again");
	dup2(saved, 2);
	read_all(fd, got, sizeof(got));
	snprintf(last, sizeof(last), "chainmail[%d]: free again\n", (int)getpid());
	ck_assert_msg(strncmp(got, last, strlen(last)) == 0, "%s", got);
	ck_assert_ptr_nonnull(strstr(got, "log: lines lost before this one: "));
	close(fd);
}
END_TEST

/* SIGPIPE would end this process. */
START_TEST(gone_reader_ends_nobody)
{
	int saved;
	int fd = pipe_stderr(&saved);

	log_write(LOG_LEVEL_INFO, "early");
	open_one(LOG_TARGET_STDERR, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, NULL);
	close(fd);
	for (int i = 0; i < 10; i++)
		log_write(LOG_LEVEL_INFO, "line %d", i);
	log_close();
	log_write(LOG_LEVEL_INFO, "late");
	dup2(saved, 2);
}
END_TEST

START_TEST(full_disk_ends_nobody)
{
	open_one(LOG_TARGET_FILE, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, "/dev/full");
	for (int i = 0; i < 10; i++)
		log_write(LOG_LEVEL_INFO, "line %d", i);
	log_record("Q", fields, LENGTH(fields));
}
END_TEST

static bool
syslog_listens(void)
{
	struct sockaddr_un peer = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	bool there = connect(fd, (struct sockaddr *)&peer, sizeof(peer)) == 0;

	close(fd);
	return there;
}

START_TEST(missing_logger_is_said_once)
{
	static const enum log_target targets[] = {LOG_TARGET_JOURNAL, LOG_TARGET_SYSLOG};
	char missing[160], got[2048];
	int saved;
	int fd = pipe_stderr(&saved);

	snprintf(missing, sizeof(missing), "%s/nothing", dir);
	open_one(targets[_i], LOG_FORMAT_TEXT, LOG_LEVEL_INFO, missing);
	log_write(LOG_LEVEL_INFO, "line");
	dup2(saved, 2);
	read_all(fd, got, sizeof(got));
	/* Where this machine has a syslog the journal falls back to that. */
	if (targets[_i] == LOG_TARGET_JOURNAL && syslog_listens()) {
		ck_assert_ptr_null(strstr(got, "]: line\n"));
		ck_assert_ptr_null(strstr(got, "standard error"));
	} else {
		ck_assert_ptr_nonnull(strstr(got, "instead\n"));
		ck_assert_ptr_nonnull(strstr(got, "No such file or directory"));
		ck_assert_ptr_nonnull(strstr(got, "]: line\n"));
		ck_assert_ptr_eq(strstr(strstr(got, "instead") + 1, "instead"), NULL);
	}
	close(fd);
}
END_TEST

START_TEST(file_that_cannot_be_opened_keeps_the_old_targets)
{
	struct log_config config = {.target = LOG_TARGET_FILE, .path = "/nonexistent/log"};

	open_one(LOG_TARGET_FILE, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, path);
	ck_assert(!log_open(&config, 1, &err));
	ck_assert_str_eq(
		err.text, "cannot open log file /nonexistent/log: No such file or directory");
	config.path = NULL;
	ck_assert(!log_open(&config, 1, &err));
	log_write(LOG_LEVEL_INFO, "still here");
	ck_assert_str_eq(read_log(), line_of_text("still here"));
}
END_TEST

START_TEST(opening_anew_follows_a_moved_file)
{
	char old[160];
	struct stat st;

	snprintf(old, sizeof(old), "%s.1", path);
	open_one(LOG_TARGET_FILE, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, path);
	log_write(LOG_LEVEL_INFO, "one");
	ck_assert_int_eq(rename(path, old), 0);
	open_one(LOG_TARGET_FILE, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, path);
	log_write(LOG_LEVEL_INFO, "two");
	ck_assert_str_eq(read_log(), line_of_text("two"));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0007, 0);
	unlink(old);
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
	int before = dup(0), after;

	close(before);
	for (int i = 0; i < 20; i++) {
		open_one(LOG_TARGET_FILE, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, path);
		open_one(LOG_TARGET_STDERR, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR, NULL);
	}
	log_close();
	after = dup(0);
	close(after);
	ck_assert_int_eq(after, before);
}
END_TEST

#define WRITERS 4
#define LINES	500

static void *
write_lines(void *number)
{
	for (int i = 0; i < LINES; i++) {
		log_write(LOG_LEVEL_INFO, "writer %d", *(int *)number);
		log_record("Q", fields, 1);
	}
	return NULL;
}

START_TEST(many_writers_while_targets_change_make_whole_lines)
{
	pthread_t writers[WRITERS];
	int numbers_of[WRITERS];
	FILE *f;
	char line[256];
	int count = 0;

	open_one(LOG_TARGET_FILE, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, path);
	if (_i == 1)
		ck_assert(log_start(&err));
	for (int i = 0; i < WRITERS; i++) {
		numbers_of[i] = i;
		ck_assert_int_eq(pthread_create(&writers[i], NULL, write_lines, &numbers_of[i]), 0);
	}
	for (int i = 0; i < 50; i++)
		open_one(LOG_TARGET_FILE, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, path);
	for (int i = 0; i < WRITERS; i++)
		ck_assert_int_eq(pthread_join(writers[i], NULL), 0);
	log_stop();
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	for (; fgets(line, sizeof(line), f) != NULL; count++)
		ck_assert_msg(
			strncmp(line, "2023-11-14T23:13:20+01:00 chainmail[", 36) == 0, "%s", line);
	fclose(f);
	ck_assert_int_eq(count, 2 * WRITERS * LINES);
}
END_TEST

START_TEST(writer_keeps_the_order_and_writes_all_before_it_stops)
{
	char line[256], wanted[64];
	int count = 0;
	FILE *f;

	open_one(LOG_TARGET_FILE, LOG_FORMAT_TEXT, LOG_LEVEL_INFO, path);
	ck_assert(log_start(&err));
	for (int i = 0; i < 2500; i++)
		log_write(LOG_LEVEL_INFO, "line %d", i);
	log_stop();
	ck_assert(log_start(&err));
	for (int i = 2500; i < 5000; i++)
		log_write(LOG_LEVEL_INFO, "line %d", i);
	log_stop();
	log_write(LOG_LEVEL_INFO, "line %d", 5000);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	for (; fgets(line, sizeof(line), f) != NULL; count++) {
		snprintf(wanted, sizeof(wanted), "]: line %d\n", count);
		ck_assert_msg(strstr(line, wanted) != NULL, "%s", line);
	}
	fclose(f);
	ck_assert_int_eq(count, 5001);
}
END_TEST

static TCase *
target_tests(void)
{
	TCase *t = tcase_create("targets");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, journal_gets_a_record_as_fields);
	tcase_add_loop_test(t, journal_and_syslog_are_told_how_bad_it_is, 0, LENGTH(severities));
	tcase_add_test(t, restarted_syslog_is_found_again);
	tcase_add_test(t, slow_reader_blocks_nobody);
	tcase_add_test(t, standard_error_has_no_time);
	tcase_add_test(t, full_pipe_blocks_nobody_and_loses_whole_lines);
	tcase_add_test(t, gone_reader_ends_nobody);
	tcase_add_test(t, full_disk_ends_nobody);
	tcase_add_loop_test(t, missing_logger_is_said_once, 0, 2);
	tcase_add_test(t, file_that_cannot_be_opened_keeps_the_old_targets);
	tcase_add_test(t, opening_anew_follows_a_moved_file);
	tcase_add_test(t, no_descriptor_is_left_open);
	/* Written by who logs, and by the writer's thread. */
	tcase_add_loop_test(t, many_writers_while_targets_change_make_whole_lines, 0, 2);
	tcase_add_test(t, writer_keeps_the_order_and_writes_all_before_it_stops);
	return t;
}

int
main(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("layout");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, line_is_written_as_text_and_as_json, 0, LENGTH(lines));
	tcase_add_test(t, level_decides_what_is_written);
	tcase_add_test(t, very_long_line_is_cut);
	tcase_add_loop_test(t, record_is_one_line, 0, LENGTH(records));
	tcase_add_loop_test(t, what_is_no_json_number_is_a_string, 0, LENGTH(numbers));
	tcase_add_loop_test(t, time_is_written_as_strftime_does, 0, LENGTH(zones));
	tcase_add_test(t, huge_record_stays_one_bounded_line);
	tcase_add_test(t, records_are_left_out_without_summary);
	suite_add_tcase(s, t);
	suite_add_tcase(s, target_tests());
	return table_run(s);
}
