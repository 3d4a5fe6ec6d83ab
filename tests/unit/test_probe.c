/* SPDX-License-Identifier: MIT */
/*
 * test_probe.c - each generation's links are probed once, beside the mail, and no longer than it
 * runs
 *
 * The test plugin writes into a pipe with a name, and reading waits until it did.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "drive.h"
#include "host/probe.h"
#include "table.h"

struct pipe {
	struct drive d;
	char path[128];
	FILE *in;
};

static void
begin(struct pipe *p)
{
	int fd;

	drive_init(&p->d);
	snprintf(p->path, sizeof(p->path), "%s/diary", p->d.dir);
	ck_assert_int_eq(mkfifo(p->path, 0600), 0);
	/* Both ends are ours, so that it never ends. */
	fd = open(p->path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	p->in = fdopen(fd, "r");
}

static void
end(struct pipe *p)
{
	generation_swap(NULL);
	fclose(p->in);
	unlink(p->path);
	drive_fini(&p->d);
}

static const char *
line(struct pipe *p)
{
	static char text[80];

	ck_assert_ptr_nonnull(fgets(text, sizeof(text), p->in));
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* Nothing more was written: what is written now comes next. */
static void
ck_nothing_more(struct pipe *p)
{
	FILE *out = fopen(p->path, "a");

	fputs("nothing more\n", out);
	fclose(out);
	ck_assert_str_eq(line(p), "nothing more");
}

static void
run(struct pipe *p, const char *sections)
{
	free(p->d.mistakes);
	drive_run_test_plugins(&p->d, sections);
	probe_begin();
}

START_TEST(links_of_profiles_are_probed_in_the_order_of_the_file)
{
	struct pipe p;

	begin(&p);
	run(&p, "plugin second { type = prober; diary = diary }\n"
		"plugin prober { diary = diary }\n"
		"plugin off { type = prober; diary = diary; mode = off }\n"
		"plugin skeleton { }\n"
		"profile all { chain = [ prober, skeleton, second, off ] }\n");
	ck_assert_str_eq(line(&p), "second probed");
	ck_assert_str_eq(line(&p), "prober probed");
	probe_end();
	ck_nothing_more(&p);
	end(&p);
}
END_TEST

START_TEST(every_generation_is_probed_once)
{
	const char *text = "plugin prober { diary = diary }\nprofile all { chain = [ prober ] }\n";
	struct pipe p;

	begin(&p);
	for (int i = 0; i < 3; i++) {
		run(&p, text);
		ck_assert_str_eq(line(&p), "prober probed");
	}
	probe_end();
	ck_nothing_more(&p);
	end(&p);
}
END_TEST

#define WAITS                                                                           \
	"plugin first { type = prober; diary = diary; wait = 5min; timeout = 10min }\n" \
	"plugin second { type = prober; diary = diary }\n"                              \
	"profile all { chain = [ first, second ] }\n"

START_TEST(newer_generation_waits_for_no_probe_of_the_one_before)
{
	struct pipe p;

	begin(&p);
	run(&p, WAITS);
	ck_assert_str_eq(line(&p), "first probed");
	run(&p, "plugin newer { type = prober; diary = diary }\nprofile all { chain = [ newer ] "
		"}\n");
	ck_assert_str_eq(line(&p), "newer probed");
	probe_end();
	ck_assert_str_eq(line(&p), "first was cancelled");
	ck_nothing_more(&p);
	end(&p);
}
END_TEST

START_TEST(generation_lives_until_its_probe_ends)
{
	struct pipe p;

	begin(&p);
	run(&p, WAITS);
	ck_assert_str_eq(line(&p), "first probed");
	generation_swap(NULL);
	probe_end();
	ck_assert_str_eq(line(&p), "first was cancelled");
	ck_nothing_more(&p);
	end(&p);
}
END_TEST

START_TEST(nothing_to_probe_needs_no_end)
{
	struct pipe p;

	begin(&p);
	run(&p, "plugin skeleton { }\nprofile all { chain = [ skeleton ] }\n");
	probe_end();
	generation_swap(NULL);
	probe_begin();
	probe_end();
	ck_nothing_more(&p);
	end(&p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("probe");
	TCase *t = tcase_create("probe");

	tcase_add_test(t, links_of_profiles_are_probed_in_the_order_of_the_file);
	tcase_add_test(t, every_generation_is_probed_once);
	tcase_add_test(t, newer_generation_waits_for_no_probe_of_the_one_before);
	tcase_add_test(t, generation_lives_until_its_probe_ends);
	tcase_add_test(t, nothing_to_probe_needs_no_end);
	suite_add_tcase(s, t);
	return table_run(s);
}
