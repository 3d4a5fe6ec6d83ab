/* SPDX-License-Identifier: MIT */
/*
 * mime_gmime.h - the functions of GMime, found when somebody first wants them
 *
 * GMime brings twelve libraries, a fourth of the memory of a small daemon, and most rules never
 * read a part. So the daemon is compiled against its headers and not linked with it.
 */
#ifndef CORE_SERVICE_MIME_GMIME_H
#define CORE_SERVICE_MIME_GMIME_H

#include <gmime/gmime.h>
#include <stdbool.h>

struct err;

/* Name here, name there. */
#define MIME_GMIME_CALLS(X)                                                                \
	X(content_disposition_get_parameter, g_mime_content_disposition_get_parameter)     \
	X(content_disposition_parse, g_mime_content_disposition_parse)                     \
	X(content_encoding_from_string, g_mime_content_encoding_from_string)               \
	X(content_type_get_mime_type, g_mime_content_type_get_mime_type)                   \
	X(content_type_get_parameter, g_mime_content_type_get_parameter)                   \
	X(content_type_parse, g_mime_content_type_parse)                                   \
	X(encoding_flush, g_mime_encoding_flush)                                           \
	X(encoding_init_decode, g_mime_encoding_init_decode)                               \
	X(encoding_outlen, g_mime_encoding_outlen)                                         \
	X(encoding_step, g_mime_encoding_step)                                             \
	X(free, g_free)                                                                    \
	X(iconv_close, g_mime_iconv_close)                                                 \
	X(iconv_open, g_mime_iconv_open)                                                   \
	X(init, g_mime_init)                                                               \
	X(object_unref, g_object_unref)                                                    \
	X(options_free, g_mime_parser_options_free)                                        \
	X(options_new, g_mime_parser_options_new)                                          \
	X(options_set_fallback_charsets, g_mime_parser_options_set_fallback_charsets)      \
	X(options_set_parameter_mode, g_mime_parser_options_set_parameter_compliance_mode) \
	X(options_set_rfc2047_mode, g_mime_parser_options_set_rfc2047_compliance_mode)     \
	X(options_set_warning_callback, g_mime_parser_options_set_warning_callback)        \
	X(utils_decode_8bit, g_mime_utils_decode_8bit)

/* The types are those of the headers, so the compiler checks each call. */
#define MIME_GMIME_MEMBER(member, function) __typeof__(&function) member;

/* Filled once by mime_gmime_open(), then only read. */
extern struct mime_gmime {
	MIME_GMIME_CALLS(MIME_GMIME_MEMBER)
} mime_gmime;

/* Loads GMime, once per process and for good. False: it is not there; a later call tries again. */
bool mime_gmime_open(struct err *);

#endif
