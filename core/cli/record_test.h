/* SPDX-License-Identifier: MIT */
/*
 * record_test.h - a kept session as a case of `chainmail test`
 */
#ifndef CORE_CLI_RECORD_TEST_H
#define CORE_CLI_RECORD_TEST_H

#include "base/buf.h"
#include "door/kept.h"

/*
 * Appends the case. What is expected is what the rule said then; without a rule (NULL), what the
 * link that decided said, or nothing where none did.
 */
void record_test_write(struct buf *, const struct kept *, const char *rule);

#endif
