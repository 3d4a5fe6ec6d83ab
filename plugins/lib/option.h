/* SPDX-License-Identifier: MIT */
/*
 * option.h - checks of settings that several plugins have
 */
#ifndef PLUGINS_LIB_OPTION_H
#define PLUGINS_LIB_OPTION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * text is the name of a header field that a link may add (RFC 5322 section 2.2). False: why says
 * so, with an example.
 */
bool option_check_field(const char *text, const char *example, char *why, size_t why_size);

#endif
