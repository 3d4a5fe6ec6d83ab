/* SPDX-License-Identifier: MIT */
/*
 * office_ole.c - the directory of a compound file (MS-CFB, Compound File Binary Format)
 *
 * A directory is a chain of sectors, and its entries have 128 octets each. The chain is not
 * followed: every piece of 128 octets that looks like an entry is read as one. So a table of
 * sectors that is damaged, runs in a circle or lies hides nothing that Office might still repair,
 * and the work is one look at each piece.
 */
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "office.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* MS-CFB section 2.2: the header, of which a sector is the least. */
#define HEADER 512u
/* Section 2.6.1: the entry, and where its fields are. */
#define ENTRY	     128u
#define NAME_UNITS   32u /* of UTF-16, the last is NUL */
#define AT_NAME_SIZE 64u
#define AT_TYPE	     66u

enum entry_type { STORAGE = 1, STREAM = 2 };

static const struct {
	const char *name;
	enum entry_type type;
	struct office says;
} entries[] = {
	{"EncryptedPackage", STREAM, {.encrypted = true}}, /* MS-OFFCRYPTO section 2.3.4.4 */
	{"Macros", STORAGE, {.macros = true}},		   /* of Word */
	{"VBA", STORAGE, {.macros = true}},		   /* MS-OVBA section 2.2.1 */
	{"_VBA_PROJECT", STREAM, {.macros = true}},
	{"_VBA_PROJECT_CUR", STORAGE, {.macros = true}}, /* of Excel */
};

static const unsigned char magic[] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};

bool
office_is_ole(const unsigned char *data, size_t len)
{
	return len >= sizeof(magic) && memcmp(data, magic, sizeof(magic)) == 0;
}

/* The name of an entry in ASCII; false: it is none, or has another name. */
static bool
entry_name(const unsigned char *entry, char name[NAME_UNITS])
{
	size_t size = entry[AT_NAME_SIZE] | (size_t)entry[AT_NAME_SIZE + 1] << 8;
	size_t units = size / 2;

	if (size % 2 != 0 || units < 2 || units > NAME_UNITS)
		return false;
	for (size_t i = 0; i < units; i++) {
		if (entry[2 * i + 1] != 0)
			return false;
		name[i] = (char)entry[2 * i];
	}
	return name[units - 1] == '\0';
}

static void
read_entry(const unsigned char *entry, struct office *out)
{
	char name[NAME_UNITS];

	if (!entry_name(entry, name))
		return;
	for (size_t i = 0; i < COUNT(entries); i++) {
		if (entry[AT_TYPE] != entries[i].type || !text_equal_nocase(name, entries[i].name))
			continue;
		out->macros = out->macros || entries[i].says.macros;
		out->encrypted = out->encrypted || entries[i].says.encrypted;
	}
}

struct office
office_look_ole(const unsigned char *data, size_t len)
{
	struct office out = {.unreadable = len <= HEADER};

	for (size_t at = HEADER; at < len && len - at >= ENTRY; at += ENTRY)
		read_entry(data + at, &out);
	return out;
}
