/* SPDX-License-Identifier: MIT */
/*
 * office_case.h - files of Office, as small as they can be
 */
#ifndef TESTS_UNIT_OFFICE_CASE_H
#define TESTS_UNIT_OFFICE_CASE_H

#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"

static inline void
put(struct buf *out, uint64_t number, size_t octets)
{
	for (size_t i = 0; i < octets; i++)
		buf_add_char(out, (char)(number >> (8 * i) & 0xff));
}

/* --- ZIP (APPNOTE.TXT 4.3) -----------------------------------------------------------------------
 */

struct zip_file {
	const char *name;
	const char *data;
	size_t len;
	bool stored, encrypted;
};

struct zip_written {
	struct buf files, directory;
	unsigned count;
};

/* What header of file and entry of directory have in common, from the flags to the sizes. */
static inline void
zip_middle(struct buf *out, const struct zip_file *f, uLong crc, size_t packed)
{
	put(out, f->encrypted ? 1 : 0, 2);
	put(out, f->stored ? 0 : Z_DEFLATED, 2);
	put(out, 0, 4); /* time, date */
	put(out, (uint32_t)crc, 4);
	put(out, (uint32_t)packed, 4);
	put(out, (uint32_t)f->len, 4);
	put(out, (uint32_t)strlen(f->name), 2);
	put(out, 0, 2); /* extra field */
}

static inline size_t
zip_pack(struct buf *out, const struct zip_file *f)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)f->data, .avail_in = (uInt)f->len};
	size_t room = compressBound(f->len), packed;

	if (f->stored) {
		buf_add(out, f->data, f->len);
		return f->len;
	}
	deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
	z.next_out = (Bytef *)buf_extend(out, room);
	z.avail_out = (uInt)room;
	deflate(&z, Z_FINISH);
	packed = z.total_out;
	deflateEnd(&z);
	out->len -= room - packed;
	return packed;
}

static inline void
zip_add(struct zip_written *zip, const struct zip_file *f)
{
	uLong crc = crc32(0, (const Bytef *)f->data, (uInt)f->len);
	size_t at = zip->files.len, packed;
	struct buf content;

	buf_init(&content, 0);
	packed = zip_pack(&content, f);
	buf_add(&zip->files, "PK\3\4", 4);
	put(&zip->files, 20, 2);
	zip_middle(&zip->files, f, crc, packed);
	buf_add_str(&zip->files, f->name);
	buf_add(&zip->files, content.data, packed);
	buf_fini(&content);
	buf_add(&zip->directory, "PK\1\2", 4);
	put(&zip->directory, 20, 2);
	put(&zip->directory, 20, 2);
	zip_middle(&zip->directory, f, crc, packed);
	put(&zip->directory, 0, 2); /* comment */
	put(&zip->directory, 0, 4); /* disk, attributes */
	put(&zip->directory, 0, 4);
	put(&zip->directory, (uint32_t)at, 4);
	buf_add_str(&zip->directory, f->name);
	zip->count++;
}

static inline void
zip_init(struct zip_written *zip)
{
	buf_init(&zip->files, 0);
	buf_init(&zip->directory, 0);
	zip->count = 0;
}

/* Octets of an entry before its name. */
#define ZIP_ENTRY 46u

/* Behind the directory: the end as ZIP64 has it, of one entry (4.3.14), and where that is (4.3.15).
 */
static inline void
zip_add_zip64(struct zip_written *zip, size_t at, size_t octets)
{
	buf_add(&zip->directory, "PK\6\6", 4);
	put(&zip->directory, 44, 8);
	put(&zip->directory, 45 | 45 << 16, 4);
	put(&zip->directory, 0, 8); /* disks */
	put(&zip->directory, 1, 8);
	put(&zip->directory, 1, 8);
	put(&zip->directory, octets, 8);
	put(&zip->directory, at, 8);
}

static inline void
zip_add_locator(struct zip_written *zip, size_t at)
{
	buf_add(&zip->directory, "PK\6\7", 4);
	put(&zip->directory, 0, 4);
	put(&zip->directory, at, 8);
	put(&zip->directory, 1, 4);
}

/* So many entries are said to be there, in so many octets. */
static inline void
zip_end_said(struct zip_written *zip, unsigned said, size_t octets)
{
	size_t at = zip->files.len;

	buf_add(&zip->files, zip->directory.data, zip->directory.len);
	buf_add(&zip->files, "PK\5\6", 4);
	put(&zip->files, 0, 4);
	put(&zip->files, said, 2);
	put(&zip->files, said, 2);
	put(&zip->files, (uint32_t)octets, 4);
	put(&zip->files, (uint32_t)at, 4);
	put(&zip->files, 0, 2);
}

/* Of the entries, only so many are said to be there. */
static inline void
zip_end(struct zip_written *zip, unsigned said)
{
	zip_end_said(zip, said, zip->directory.len);
}

static inline void
zip_fini(struct zip_written *zip)
{
	buf_fini(&zip->files);
	buf_fini(&zip->directory);
}

/* --- compound files (MS-CFB section 2) -----------------------------------------------------------
 */

#define OLE_STORAGE 1
#define OLE_STREAM  2

/* An entry of a directory; its color, if it is not black, is in the type's second octet. */
static inline void
ole_add(struct buf *out, const char *name, int type)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < 32; i++)
		put(out, i < len ? (unsigned char)name[i] : 0, 2);
	put(out, (uint32_t)(2 * (len + 1)), 2);
	put(out, (uint32_t)type & 0xff, 1);
	put(out, type > 0xff ? (uint32_t)type >> 8 : 1, 1);
	for (size_t i = 0; i < 60; i++)
		put(out, 0, 1);
}

/* The header, of 512 octets. */
static inline void
ole_begin(struct buf *out)
{
	buf_add(out, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
	for (size_t i = 8; i < 512; i++)
		put(out, 0, 1);
}

#endif
