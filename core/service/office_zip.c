/* SPDX-License-Identifier: MIT */
/*
 * office_zip.c - the directory of a ZIP file, and the content types of an Office document
 *
 * An Office document names the kind of each of its parts in [Content_Types].xml (ECMA-376 part 2);
 * the project of Visual Basic is one of them, whatever its name is. minizip reads the directory at
 * the end of the file, entry by entry, and keeps none of them.
 */
#include <minizip/unzip.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "office.h"

/* Documents have some hundred; an archive of more is not looked through. */
#define ENTRIES_MOST 20000u
/* Unpacked octets of [Content_Types].xml, of all that are so named; it has some kilobytes. */
#define TYPES_MOST (1u << 20)
#define NAME_ROOM  512u
/* APPNOTE.TXT 4.3.12 and 4.3.16: an entry and the end of the directory without their texts. */
#define ENTRY_SIZE 46u
#define END_SIZE   22u
#define AT_SIZE	   12u
#define TEXT_MOST  65535u
#define FLAG_CRYPT 1u

/* --- a file in memory, as minizip wants it -------------------------------------------------------
 */

struct memory {
	const unsigned char *data;
	size_t len, at;
};

static voidpf
mem_file_open(voidpf memory, const void *name, int mode)
{
	(void)name;
	(void)mode;
	return memory;
}

static uLong
mem_file_read(voidpf opaque, voidpf stream, void *out, uLong size)
{
	struct memory *m = stream;

	(void)opaque;
	if (size > m->len - m->at)
		size = m->len - m->at;
	memcpy(out, m->data + m->at, size);
	m->at += size;
	return size;
}

static uLong
mem_file_write(voidpf opaque, voidpf stream, const void *data, uLong size)
{
	(void)opaque;
	(void)stream;
	(void)data;
	(void)size;
	return 0;
}

static ZPOS64_T
mem_file_tell(voidpf opaque, voidpf stream)
{
	(void)opaque;
	return ((struct memory *)stream)->at;
}

static long
mem_file_seek(voidpf opaque, voidpf stream, ZPOS64_T offset, int origin)
{
	struct memory *m = stream;
	size_t from = origin == ZLIB_FILEFUNC_SEEK_CUR	 ? m->at
		      : origin == ZLIB_FILEFUNC_SEEK_END ? m->len
							 : 0;

	(void)opaque;
	if (offset > m->len - from)
		return -1;
	m->at = from + offset;
	return 0;
}

static int
mem_file_fine(voidpf opaque, voidpf stream)
{
	(void)opaque;
	(void)stream;
	return 0;
}

static unzFile
open_zip(struct memory *m)
{
	zlib_filefunc64_def calls = {mem_file_open, mem_file_read, mem_file_write, mem_file_tell,
		mem_file_seek, mem_file_fine, mem_file_fine, m};

	return unzOpen2_64("", &calls);
}

/* --- the end of the directory --------------------------------------------------------------------
 */

/* Where the last one begins; NULL: there is none. */
static const unsigned char *
find_end(const unsigned char *data, size_t len)
{
	size_t least = len > END_SIZE + TEXT_MOST ? len - END_SIZE - TEXT_MOST : 0;

	for (size_t at = len < END_SIZE ? 0 : len - END_SIZE + 1; at > least; at--) {
		if (data[at - 1] == 'P' && memcmp(data + at - 1, "PK\5\6", 4) == 0)
			return data + at - 1;
	}
	return NULL;
}

/* Octets of the directory, as the end says. */
static uint64_t
said_size(const unsigned char *end)
{
	uint64_t size = 0;

	for (size_t i = 4; i-- > 0;)
		size = size << 8 | end[AT_SIZE + i];
	return size;
}

/* --- entries -------------------------------------------------------------------------------------
 */

struct look {
	struct office out;
	char *types; /* room for TYPES_MOST octets and a NUL */
	size_t types_len;
};

static bool
is_file(const char *name, const char *wanted)
{
	for (const char *p = name; *p != '\0'; p++) {
		if (*p == '/' || *p == '\\')
			name = p + 1;
	}
	return text_equal_nocase(name, wanted);
}

/* Workbooks that are binary are called so with and without macros. */
static bool
says_enabled(const char *types)
{
	static const char word[] = "macroEnabled", binary[] = "binary.";
	size_t before = strlen(binary);

	for (const char *at = types; (at = strcasestr(at, word)) != NULL; at++) {
		if ((size_t)(at - types) < before || strncasecmp(at - before, binary, before) != 0)
			return true;
	}
	return false;
}

/* Text of UTF-16 is as good as of UTF-8, and its NULs are left out. */
static void
read_types(struct look *look, size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < look->types_len; i++) {
		look->types[kept] = look->types[i];
		kept += look->types[i] != '\0';
	}
	look->types_len = kept;
	look->types[kept] = '\0';
	if (strcasestr(look->types + from, "vbaProject") != NULL ||
		strcasestr(look->types + from, "macrosheet") != NULL ||
		says_enabled(look->types + from))
		look->out.macros = true;
	/* No program writes letters of a type as numbers: who does hides something. */
	if (strstr(look->types + from, "&#") != NULL)
		look->out.unreadable = true;
}

static void
unpack_types(struct look *look, unzFile zip)
{
	size_t from = look->types_len;
	int got = -1;

	if (unzOpenCurrentFile(zip) == UNZ_OK) {
		while ((got = unzReadCurrentFile(zip, look->types + look->types_len,
				(unsigned)(TYPES_MOST - look->types_len))) > 0 &&
			look->types_len + (size_t)got < TYPES_MOST)
			look->types_len += (size_t)got;
		unzCloseCurrentFile(zip);
	}
	/* It was damaged, or there may be more. */
	if (got != 0)
		look->out.unreadable = true;
	read_types(look, from);
}

/* Octets that the entry takes in the directory; 0: it cannot be read. */
static size_t
read_entry(struct look *look, unzFile zip)
{
	unz_file_info64 info;
	char name[NAME_ROOM];

	if (unzGetCurrentFileInfo64(zip, &info, name, sizeof(name) - 1, NULL, 0, NULL, 0) != UNZ_OK)
		return 0;
	name[info.size_filename < sizeof(name) ? info.size_filename : sizeof(name) - 1] = '\0';
	if ((info.flag & FLAG_CRYPT) != 0)
		look->out.encrypted = true;
	else if (is_file(name, "[Content_Types].xml"))
		unpack_types(look, zip);
	if (is_file(name, "vbaProject.bin"))
		look->out.macros = true;
	return ENTRY_SIZE + info.size_filename + info.size_file_extra + info.size_file_comment;
}

/* An end that says less than there is hides entries from those who believe it. */
static void
read_entries(struct look *look, unzFile zip, uint64_t size)
{
	unsigned count = 0;
	uint64_t read = 0;
	int at = size == 0 ? UNZ_END_OF_LIST_OF_FILE : unzGoToFirstFile(zip);

	while (at == UNZ_OK && count++ < ENTRIES_MOST) {
		size_t octets = read_entry(look, zip);

		read += octets;
		at = octets == 0 ? UNZ_BADZIPFILE : unzGoToNextFile(zip);
	}
	if (at != UNZ_END_OF_LIST_OF_FILE || read != size)
		look->out.unreadable = true;
}

static bool
begins_so(const unsigned char *data, size_t len)
{
	return len >= 4 && memcmp(data, "PK\3\4", 4) == 0;
}

bool
office_is_zip(const unsigned char *data, size_t len)
{
	return begins_so(data, len) || find_end(data, len) != NULL;
}

struct office
office_look_zip(const unsigned char *data, size_t len)
{
	struct memory memory = {data, len, 0};
	const unsigned char *end = find_end(data, len);
	unzFile zip = end == NULL ? NULL : open_zip(&memory);
	struct look look = {.out = {.macros = false}};

	if (zip == NULL)
		return (struct office){.unreadable = begins_so(data, len)};
	look.types = mem_alloc(TYPES_MOST + 1);
	read_entries(&look, zip, said_size(end));
	unzClose(zip);
	free(look.types);
	return look.out;
}
