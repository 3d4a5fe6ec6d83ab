/* SPDX-License-Identifier: MIT */
/*
 * number.h - a number in digits
 */
#ifndef PLUGINS_LIB_NUMBER_H
#define PLUGINS_LIB_NUMBER_H

#include <stdint.h>

/* The longest with its final zero. */
#define NUMBER_SIZE 21

void number_text(char out[NUMBER_SIZE], uint64_t n);

#endif
