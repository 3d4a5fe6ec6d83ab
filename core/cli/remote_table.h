/* SPDX-License-Identifier: MIT */
/*
 * remote_table.h - rows of a daemon's answer, for people or for machines
 */
#ifndef CORE_CLI_REMOTE_TABLE_H
#define CORE_CLI_REMOTE_TABLE_H

#include <jansson.h>
#include <stdbool.h>

struct remote_table;

struct remote_table *remote_table_new(bool json);
/* Takes a reference of its own to the row, an object of texts and numbers. */
void remote_table_add(struct remote_table *, json_t *row);
/* A line that people see in place of the rows. */
void remote_table_say(struct remote_table *, const char *line);
void remote_table_error(struct remote_table *, const char *words);
/* The rows so far, an array. */
const json_t *remote_table_rows(const struct remote_table *);
/* There is an error. */
bool remote_table_failed(const struct remote_table *);
/* A table of the error alone. */
struct remote_table *remote_table_take_error(struct remote_table *);
void remote_table_free(struct remote_table *);
/* Prints everything, the error to standard error, and frees it. */
void remote_table_print(struct remote_table *, const char *command);

#endif
