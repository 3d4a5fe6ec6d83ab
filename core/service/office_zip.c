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
/* They are unpacked in pieces, so that what is damaged costs one that is not counted. */
#define PIECE	  4096u
#define NAME_ROOM 512u
/* APPNOTE.TXT 4.3.12 and 4.3.16: an entry and the end of the directory without their texts. */
#define ENTRY_SIZE 46u
#define END_SIZE   22u
#define AT_COUNT   10u
#define AT_SIZE	   12u
#define AT_PLACE   16u
#define AT_COMMENT 20u
#define TEXT_MOST  65535u
/* 4.3.15 */
#define LOCATOR_SIZE 20u
/* 4.3.7: what stands before a file, and its place in an entry. */
#define FILE_SIZE    30u
#define AT_NAME_SIZE 26u
#define AT_FILE	     42u
#define FLAG_CRYPT   1u

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

static uint64_t
read_number(const unsigned char *at, size_t octets)
{
	uint64_t number = 0;

	for (size_t i = octets; i-- > 0;)
		number = number << 8 | at[i];
	return number;
}

static bool
begins_so(const unsigned char *data, size_t len)
{
	return len >= 4 && memcmp(data, "PK\3\4", 4) == 0;
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

/* Does one before it have a comment that ends with the file, so that others take it for the end? */
static bool
has_other_end(const unsigned char *data, size_t len, const unsigned char *end)
{
	const unsigned char *at =
		len > END_SIZE + TEXT_MOST ? data + len - END_SIZE - TEXT_MOST : data;

	while ((at = memmem(at, (size_t)(end - at), "PK\5\6", 4)) != NULL) {
		if (read_number(at + AT_COMMENT, 2) == (size_t)(data + len - at) - END_SIZE)
			return true;
		at++;
	}
	return false;
}

/*
 * Is there a second one, of ZIP64 (APPNOTE.TXT 4.3.15)? minizip follows it wherever it stands,
 * others only where the first one has no room for its numbers: so they may read different
 * directories.
 */
static bool
has_end64(const unsigned char *data, size_t len)
{
	size_t most = END_SIZE + TEXT_MOST + LOCATOR_SIZE;
	const unsigned char *end = data + len, *at = len > most ? end - most : data;

	while ((at = memmem(at, (size_t)(end - at), "PK\6\7\0\0\0", 8)) != NULL) {
		if ((size_t)(end - at) >= LOCATOR_SIZE &&
			memcmp(at + LOCATOR_SIZE - 4, "\1\0\0", 4) == 0)
			return true;
		at++;
	}
	return false;
}

/* --- entries -------------------------------------------------------------------------------------
 */

struct look {
	struct office out;
	const unsigned char *data;
	size_t len;
	uint64_t front;	 /* octets before the archive, from where it counts */
	char *types;	 /* room for TYPES_MOST octets and a NUL */
	size_t unpacked; /* octets, of all entries */
	uint64_t packed; /* octets of all entries that were unpacked */
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
read_types(struct look *look, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++) {
		look->types[kept] = look->types[i];
		kept += look->types[i] != '\0';
	}
	look->types[kept] = '\0';
	if (strcasestr(look->types, "vbaProject") != NULL ||
		strcasestr(look->types, "macrosheet") != NULL || says_enabled(look->types))
		look->out.macros = true;
	/* No program writes letters of a type as numbers: who does hides something. */
	if (strstr(look->types, "&#") != NULL)
		look->out.unreadable = true;
}

/* Octets of the next piece; 0: there are no more, less than 0: it is damaged. */
static int
unpack_piece(unzFile zip, char *out, size_t room)
{
	return unzReadCurrentFile(zip, out, (unsigned)(room < PIECE ? room : PIECE));
}

/*
 * All entries of that name share the bound, for there may be 20,000 that unpack to a megabyte, or
 * all of the file to nothing. No two have the same octets where nobody plays tricks.
 */
static void
unpack_types(struct look *look, unzFile zip, uint64_t packed)
{
	size_t len = 0, most = TYPES_MOST - look->unpacked;
	bool fits = packed <= look->len - look->packed;
	int got = -1;

	look->packed += fits ? packed : 0;
	if (fits && most > 0 && unzOpenCurrentFile(zip) == UNZ_OK) {
		while (len < most && (got = unpack_piece(zip, look->types + len, most - len)) > 0)
			len += (size_t)got;
		unzCloseCurrentFile(zip);
	}
	/* It was damaged, or there may be more. */
	if (got != 0)
		look->out.unreadable = true;
	look->unpacked += len;
	read_types(look, len);
}

/* Does the file begin with the name of its entry (APPNOTE.TXT 4.3.7)? Some read only that. */
static bool
is_named_so(const struct look *look, uint64_t entry, size_t name_len)
{
	const unsigned char *data = look->data;
	uint64_t file;

	entry += look->front;
	if (entry > look->len || look->len - entry < ENTRY_SIZE + name_len)
		return false;
	file = look->front + read_number(data + entry + AT_FILE, 4);
	return file <= look->len && look->len - file >= FILE_SIZE + name_len &&
	       begins_so(data + file, FILE_SIZE) &&
	       read_number(data + file + AT_NAME_SIZE, 2) == name_len &&
	       memcmp(data + file + FILE_SIZE, data + entry + ENTRY_SIZE, name_len) == 0;
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
		unpack_types(look, zip, info.compressed_size);
	if (!is_named_so(look, unzGetOffset64(zip), info.size_filename))
		look->out.unreadable = true;
	if (is_file(name, "vbaProject.bin"))
		look->out.macros = true;
	return ENTRY_SIZE + info.size_filename + info.size_file_extra + info.size_file_comment;
}

/* An end that says less than there is hides entries from those who believe it. */
static void
read_entries(struct look *look, unzFile zip, const unsigned char *end)
{
	uint64_t read = 0, size = read_number(end + AT_SIZE, 4);
	bool empty = size == 0 && read_number(end + AT_COUNT, 2) == 0;
	unsigned count = 0;
	int at = empty ? UNZ_END_OF_LIST_OF_FILE : unzGoToFirstFile(zip);

	while (at == UNZ_OK && count++ < ENTRIES_MOST) {
		size_t octets = read_entry(look, zip);

		read += octets;
		at = octets == 0 ? UNZ_BADZIPFILE : unzGoToNextFile(zip);
	}
	if (at != UNZ_END_OF_LIST_OF_FILE || read != size)
		look->out.unreadable = true;
}

bool
office_is_zip(const unsigned char *data, size_t len)
{
	return begins_so(data, len) || find_end(data, len) != NULL;
}

/* Where the archive begins that the end tells of, as minizip has it. */
static uint64_t
find_front(const unsigned char *data, const unsigned char *end)
{
	return (uint64_t)(end - data) - read_number(end + AT_SIZE, 4) -
	       read_number(end + AT_PLACE, 4);
}

struct office
office_look_zip(const unsigned char *data, size_t len)
{
	struct memory memory = {data, len, 0};
	const unsigned char *end = find_end(data, len);
	unzFile zip = end == NULL ? NULL : open_zip(&memory);
	struct look look = {.data = data, .len = len};

	/* minizip opens no archive that is empty: nothing stands before its end. */
	if (zip == NULL)
		return (struct office){.unreadable = end != data};
	look.out.unreadable = has_end64(data, len) || has_other_end(data, len, end);
	look.front = find_front(data, end);
	look.types = mem_alloc(TYPES_MOST + 1);
	read_entries(&look, zip, end);
	unzClose(zip);
	free(look.types);
	return look.out;
}
