/* SPDX-License-Identifier: MIT */
/*
 * mime_name.h - the name of a file that a stranger sent, made safe to show and to compare
 */
#ifndef CORE_SERVICE_MIME_NAME_H
#define CORE_SERVICE_MIME_NAME_H

#include <stdbool.h>

#include "mime_field.h"

/*
 * Valid UTF-8 without directories, control characters, invisible ones and those that turn the
 * direction of writing; without blanks around it and dots behind it, which Windows drops, too. A
 * long name keeps its beginning and its end.
 */
void mime_name_clean(const char *raw, char out[MIME_NAME_SIZE]);
/* What stands behind the last dot of a cleaned name, in lower case; false and "": nothing does. */
bool mime_name_ext(const char *name, char out[MIME_NAME_SIZE]);

#endif
