/* SPDX-License-Identifier: MIT */
/*
 * script_doc.h - what the files that print tables of names share
 */
#ifndef CORE_HOST_SCRIPT_DOC_H
#define CORE_HOST_SCRIPT_DOC_H

/* Parameters "name: string, n?: integer" as lines for LuaLS. */
void script_doc_params(const char *);
/* Their names alone, "name, n"; end: what ends a name. */
void script_doc_names(const char *, const char *end);
/* A cell of a Markdown table, in which '|' would end it. */
void script_doc_cell(const char *);
/* A piece of a line that roff leaves as it is. */
void script_doc_roff(const char *);

/*
 * script_doc_results.c: results of the plugins in the directory (NULL: where they are looked for).
 */

#define SCRIPT_DOC_CLASS 64u
struct script_row;

/* Type of a field of m: the class of that plugin's results, or what the row says. */
const char *script_doc_field_type(
	const struct script_row *, const char *plugin_dir, char out[SCRIPT_DOC_CLASS]);
/* What a test may give as results of a plugin: a word or all of them; or the other type. */
void script_doc_luals_given(const char *type, const char *otherwise, const char *plugin_dir);
/* Fields of m that no row names. */
void script_doc_luals_fields(const char *plugin_dir);
/* A class for the results of each plugin. */
void script_doc_luals_results(const char *plugin_dir);
void script_doc_markdown_results(const char *plugin_dir);
void script_doc_man_results(const char *plugin_dir);

#endif
