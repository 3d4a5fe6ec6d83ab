/* SPDX-License-Identifier: MIT */
/*
 * office.h - what a file is by its content: does it hold macros, is it encrypted?
 *
 * Its name and MIME type are what a stranger says. Nothing is run, and only the list of contents of
 * a ZIP file is unpacked, as far as a bound.
 */
#ifndef CORE_SERVICE_OFFICE_H
#define CORE_SERVICE_OFFICE_H

#include <stdbool.h>
#include <stddef.h>

struct office {
	bool macros;	 /* Visual Basic in an Office document, or in one that may hold it */
	bool encrypted;	 /* a password is needed for it, or for a file in it */
	bool unreadable; /* damaged, or larger than what is looked at */
};

struct office office_look(const unsigned char *, size_t len);

/* Compound files (MS-CFB): .doc .xls .ppt, and Office documents with a password. */
bool office_is_ole(const unsigned char *, size_t len);
struct office office_look_ole(const unsigned char *, size_t len);

/* ZIP: .docm .xlsm and the other formats of ECMA-376. */
bool office_is_zip(const unsigned char *, size_t len);
struct office office_look_zip(const unsigned char *, size_t len);

#endif
