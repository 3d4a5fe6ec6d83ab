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

#endif
