/* SPDX-License-Identifier: MIT */
/*
 * test_office.c - which files hold macros or need a password
 */
#include "office_case.h"

#include "service/office.h"
#include "table.h"

#define TYPES(what) "<Types><Override PartName=\"/a\" ContentType=\"" what "\"/></Types>"
#define WORD	    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
#define VBA	    "application/vnd.ms-office.vbaProject"

static struct buf file;

static void
setup(void)
{
	buf_init(&file, 0);
}

static void
teardown(void)
{
	buf_fini(&file);
}

static const char *
say(struct office o)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s%s%s", o.macros ? "macros " : "",
		o.encrypted ? "encrypted " : "", o.unreadable ? "unreadable " : "");
	return text[0] == '\0' ? "nothing " : text;
}

static void
expect(const char *name, const char *want)
{
	const char *got = say(office_look((const unsigned char *)file.data, file.len));

	ck_assert_msg(strncmp(got, want, strlen(want)) == 0 && strlen(got) == strlen(want) + 1,
		"%s: want %s, got %s", name, want, got);
}

static void
write_zip(const struct zip_file *files, size_t count, unsigned said)
{
	struct zip_written zip;

	zip_init(&zip);
	for (size_t i = 0; i < count && files[i].name != NULL; i++)
		zip_add(&zip, &files[i]);
	zip_end(&zip, said == 0 ? zip.count : said);
	buf_add(&file, zip.files.data, zip.files.len);
	zip_fini(&zip);
}

/* Of one octet. */
#define SMALL(file)   .name = file, .data = "x", .len = 1
#define CONTENT(text) .name = "[Content_Types].xml", .data = text, .len = sizeof(text) - 1
#define WIDE(text)    .name = "[Content_Types].xml", .data = text, .len = sizeof(text)

static const struct {
	const char *name;
	struct zip_file files[3];
	unsigned said; /* entries; 0: all */
	const char *want;
} zips[] = {
	{"A document", {{CONTENT(TYPES(WORD))}, {SMALL("word/document.xml")}}, 0, "nothing"},
	{"One that names a project", {{CONTENT(TYPES(VBA))}, {SMALL("x.bin")}}, 0, "macros"},
	{"It is not packed", {{CONTENT(TYPES(VBA)), .stored = true}}, 0, "macros"},
	{"In other letters", {{CONTENT(TYPES("APPLICATION/VND.MS-OFFICE.VBAPROJECT"))}}, 0,
		"macros"},
	{"In UTF-16",
		{{WIDE("\xff\xfe"
		       "v\0b\0a\0P\0r\0o\0j\0e\0c\0t\0")}},
		0, "macros"},
	{"With letters as numbers", {{CONTENT(TYPES("application/x.vba&#80;roject"))}}, 0,
		"unreadable"},
	{"One that may hold macros",
		{{CONTENT(TYPES("application/vnd.ms-word.document.macroEnabled.main+xml"))}}, 0,
		"macros"},
	{"A binary workbook",
		{{CONTENT(TYPES("application/vnd.ms-excel.sheet.binary.macroEnabled.main"))}}, 0,
		"nothing"},
	{"A sheet of macros", {{CONTENT(TYPES("application/vnd.ms-excel.macrosheet+xml"))}}, 0,
		"macros"},
	{"The project has its usual name", {{SMALL("word/vbaProject.bin")}}, 0, "macros"},
	{"In a directory of Windows", {{SMALL("word\\VBAPROJECT.BIN")}}, 0, "macros"},
	{"A name that only begins so", {{SMALL("vbaProject.bin.txt")}}, 0, "nothing"},
	{"The types come twice", {{CONTENT(TYPES(WORD))}, {CONTENT(TYPES(VBA))}}, 0, "macros"},
	{"A file needs a password", {{SMALL("a.exe"), .stored = true, .encrypted = true}}, 0,
		"encrypted"},
	{"The types do", {{CONTENT(TYPES(VBA)), .encrypted = true}}, 0, "encrypted"},
	{"An empty one", {{.name = NULL}}, 0, "nothing"},
	{"More than its end says", {{SMALL("a")}, {SMALL("word/vbaProject.bin")}}, 1, "unreadable"},
	{"Less than its end says", {{SMALL("a")}}, 2, "unreadable"},
};

START_TEST(zip_is_what_its_directory_says)
{
	write_zip(zips[_i].files, 3, zips[_i].said);
	expect(zips[_i].name, zips[_i].want);
}
END_TEST

START_TEST(types_are_unpacked_up_to_a_bound)
{
	/* A few hundred octets, packed; the project is named far behind the bound. */
	size_t len = 64u << 20;
	char *types = calloc(len, 1);
	const struct zip_file bomb = {.name = "[Content_Types].xml", .data = types, .len = len};

	memcpy(types + len - sizeof(VBA), VBA, sizeof(VBA));
	write_zip(&bomb, 1, 0);
	ck_assert_uint_lt(file.len, 100000);
	expect("a bomb", "unreadable");
	free(types);
}
END_TEST

/* Octets that are left out have been unpacked, too: else 20,000 entries are 20 GB. */
START_TEST(types_of_all_entries_share_the_bound)
{
	size_t len = 600000;
	char *zeros = calloc(len, 1);
	const struct zip_file files[] = {
		{.name = "[Content_Types].xml", .data = zeros, .len = len},
		{.name = "[Content_Types].xml", .data = zeros, .len = len},
		{CONTENT(TYPES(VBA))},
	};

	write_zip(files, 3, 0);
	expect("two of 600,000 octets, and another", "unreadable");
	free(zeros);
}
END_TEST

/* What unpacks to nothing has no bound by that: 20,000 entries, each of all octets of the file. */
START_TEST(packed_octets_are_of_one_entry)
{
	const struct zip_file document = {CONTENT(TYPES(WORD)), .stored = true};
	struct zip_written zip;
	char *twin;
	size_t one;

	zip_init(&zip);
	zip_add(&zip, &document);
	one = zip.directory.len;
	twin = memcpy(malloc(one), zip.directory.data, one);
	for (int i = 0; i < 9; i++)
		buf_add(&zip.directory, twin, one);
	free(twin);
	zip_end(&zip, 10);
	buf_add(&file, zip.files.data, zip.files.len);
	zip_fini(&zip);
	expect("ten entries with the same octets", "unreadable");
}
END_TEST

static const struct {
	const char *name, *comment, *want;
} ends[] = {
	{"An end of an empty archive in the comment", "PK\5\6", "unreadable"},
	{"Half an end in the comment", "is not PK\5", "macros"},
};

/* Some readers take the last end, some the one whose comment ends with the file. */
START_TEST(zip_with_a_comment)
{
	const struct zip_file document = {CONTENT(TYPES(VBA))};
	size_t len = strlen(ends[_i].comment);

	write_zip(&document, 1, 0);
	file.data[file.len - 2] = (char)(len + 18);
	buf_add(&file, ends[_i].comment, len);
	put(&file, 0, 8);
	put(&file, 0, 8);
	put(&file, 0, 2);
	expect(ends[_i].name, ends[_i].want);
}
END_TEST

/* Who reads from the beginning believes the header of a file, who reads the end the directory. */
START_TEST(zip_whose_files_have_two_names)
{
	const struct zip_file document = {CONTENT(TYPES(VBA))};

	write_zip(&document, 1, 0);
	/* The first is that of the file itself. */
	memcpy(memmem(file.data, file.len, "[Con", 4), "[Don", 4);
	expect("two names", "macros unreadable");
}
END_TEST

START_TEST(zip_behind_something_else_that_is_damaged)
{
	const struct zip_file document = {CONTENT(TYPES(VBA))};

	buf_add_str(&file, "#!/bin/sh\n");
	write_zip(&document, 1, 0);
	file.data[file.len - 3] = 1;
	expect("a directory behind the file", "unreadable");
}
END_TEST

/* Readers of ZIP64 find another directory than others do; both are as large as the end says. */
START_TEST(zip_with_two_directories)
{
	const struct zip_file document = {CONTENT(TYPES(VBA))};
	struct zip_written zip;
	size_t one, end;
	char *twin;

	zip_init(&zip);
	zip_add(&zip, &document);
	one = zip.directory.len;
	twin = memcpy(malloc(one), zip.directory.data, one);
	buf_add(&zip.directory, twin, one);
	free(twin);
	memcpy(zip.directory.data + one + ZIP_ENTRY, "[Content_Typos].xml", 19);
	end = zip.files.len + zip.directory.len;
	zip_add_zip64(&zip, zip.files.len + one, one);
	zip_add_locator(&zip, end);
	zip_end_said(&zip, 1, one);
	buf_add(&file, zip.files.data, zip.files.len);
	zip_fini(&zip);
	expect("two directories", "unreadable");
}
END_TEST

START_TEST(zip_whose_directory_has_entries_and_no_octets)
{
	const struct zip_file document = {CONTENT(TYPES(VBA))};
	struct zip_written zip;

	zip_init(&zip);
	zip_add(&zip, &document);
	zip_end_said(&zip, 1, 0);
	buf_add(&file, zip.files.data, zip.files.len);
	zip_fini(&zip);
	expect("one entry of no octets", "unreadable");
}
END_TEST

START_TEST(archive_of_too_many_files)
{
	struct zip_written zip;

	zip_init(&zip);
	for (size_t i = 0; i < 20001; i++)
		zip_add(&zip, &(struct zip_file){.name = "a", .data = "", .stored = true});
	zip_end(&zip, 20001);
	buf_add(&file, zip.files.data, zip.files.len);
	zip_fini(&zip);
	expect("20,001 files", "unreadable");
}
END_TEST

/* The end is cut at each octet, or others are put in front. */
START_TEST(zip_that_is_cut)
{
	const struct zip_file document = {CONTENT(TYPES(WORD))};

	write_zip(&document, 1, 0);
	for (size_t len = file.len; len-- > 4;) {
		file.len = len;
		expect("cut", "unreadable");
	}
}
END_TEST

START_TEST(zip_behind_something_else)
{
	const struct zip_file document = {CONTENT(TYPES(VBA))};

	buf_add_str(&file, "#!/bin/sh\n");
	write_zip(&document, 1, 0);
	expect("behind a script", "macros");
}
END_TEST

static const struct {
	const char *name;
	const char *entry;
	int type;
	const char *want;
} entries[] = {
	{"A document", "WordDocument", OLE_STREAM, "nothing"},
	{"Macros of Word", "Macros", OLE_STORAGE, "macros"},
	{"Of Excel", "_VBA_PROJECT_CUR", OLE_STORAGE, "macros"},
	{"A project", "VBA", OLE_STORAGE, "macros"},
	{"In small letters", "vba", OLE_STORAGE, "macros"},
	{"Its stream", "_VBA_PROJECT", OLE_STREAM, "macros"},
	{"A stream that is called as a storage", "VBA", OLE_STREAM, "nothing"},
	{"A name that only begins so", "VBA2", OLE_STORAGE, "nothing"},
	{"An entry that is not used", "VBA", 0, "nothing"},
	{"An entry whose color is none", "VBA", OLE_STORAGE | 2 << 8, "macros"},
	{"An Office document with a password", "EncryptedPackage", OLE_STREAM, "encrypted"},
};

START_TEST(compound_file_is_what_its_directory_says)
{
	ole_begin(&file);
	ole_add(&file, "Root Entry", 5);
	ole_add(&file, entries[_i].entry, entries[_i].type);
	expect(entries[_i].name, entries[_i].want);
}
END_TEST

START_TEST(entry_stands_anywhere)
{
	for (size_t before = 0; before < 40; before++) {
		buf_clear(&file);
		ole_begin(&file);
		for (size_t i = 0; i < before; i++)
			ole_add(&file, "", 0);
		ole_add(&file, "VBA", OLE_STORAGE);
		expect("behind others", "macros");
		file.len--;
		expect("cut", "nothing");
	}
}
END_TEST

START_TEST(compound_file_that_is_cut)
{
	ole_begin(&file);
	for (; file.len >= 8; file.len--)
		expect("only a header", "unreadable");
	expect("no header", "nothing");
}
END_TEST

START_TEST(other_files_are_nothing)
{
	expect("empty", "nothing");
	buf_add_str(&file, "%PDF-1.7 vbaProject.bin Macros");
	expect("a PDF", "nothing");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("office");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, zip_is_what_its_directory_says, 0, LENGTH(zips));
	tcase_add_test(tc, types_are_unpacked_up_to_a_bound);
	tcase_add_test(tc, types_of_all_entries_share_the_bound);
	tcase_add_test(tc, packed_octets_are_of_one_entry);
	tcase_add_loop_test(tc, zip_with_a_comment, 0, LENGTH(ends));
	tcase_add_test(tc, zip_whose_files_have_two_names);
	tcase_add_test(tc, zip_behind_something_else_that_is_damaged);
	tcase_add_test(tc, zip_with_two_directories);
	tcase_add_test(tc, zip_whose_directory_has_entries_and_no_octets);
	tcase_add_test(tc, archive_of_too_many_files);
	tcase_add_test(tc, zip_that_is_cut);
	tcase_add_test(tc, zip_behind_something_else);
	tcase_add_loop_test(tc, compound_file_is_what_its_directory_says, 0, LENGTH(entries));
	tcase_add_test(tc, entry_stands_anywhere);
	tcase_add_test(tc, compound_file_that_is_cut);
	tcase_add_test(tc, other_files_are_nothing);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
