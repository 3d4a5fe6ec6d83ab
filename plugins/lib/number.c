/* SPDX-License-Identifier: MIT */
/*
 * number.c - a number in digits
 *
 * Results of each message hold some; printf() takes several times as long as what they count.
 */
#include "number.h"

#include <stddef.h>
#include <string.h>

void
number_text(char out[NUMBER_SIZE], uint64_t n)
{
	char digits[NUMBER_SIZE];
	size_t i = NUMBER_SIZE - 1;

	digits[i] = '\0';
	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	memcpy(out, digits + i, NUMBER_SIZE - i);
}
