/* SPDX-License-Identifier: MIT */
/*
 * json_print.h - a JSON value for programs, which no terminal acts upon
 */
#ifndef CORE_CLI_JSON_PRINT_H
#define CORE_CLI_JSON_PRINT_H

#include <jansson.h>

/* On a line of standard output, in printable ASCII. */
void json_print(const json_t *value);

#endif
