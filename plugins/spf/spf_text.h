/* SPDX-License-Identifier: MIT */
/*
 * spf_text.h - names and pieces of text, as DNS takes them and as people may see them
 */
#ifndef PLUGINS_SPF_TEXT_H
#define PLUGINS_SPF_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Printable ASCII, for people: '?' for any other octet, cut with "...". */
void spf_show(char *out, size_t size, const char *text, size_t len);
/* Labels of 1 to 63 octets, 253 together; a last dot does not count. */
bool spf_name_valid(const char *name);
/* As cm_dns() takes it: odd octets as \DDD. out has SPF_ASKED_SIZE; the name is a valid one. */
void spf_name_text(char *out, const char *name);
/* The name is the domain or below it; both as cm_dns() writes them. */
bool spf_name_below(const char *name, const char *domain);
bool spf_equal(const char *text, size_t len, const char *word);

#endif
