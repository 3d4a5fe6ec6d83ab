/* SPDX-License-Identifier: MIT */
/*
 * noun.h - the commands that plugins bring: chainmail NOUN ...
 */
#ifndef CORE_CLI_NOUN_H
#define CORE_CLI_NOUN_H

#include "cli.h"

/*
 * Looks at the plugins of the configuration that the words name (-c FILE), once. One that cannot be
 * read has those of the usual places.
 */
void nouns_read(int argc, char **argv);
/* In the order of the plugins' names; before nouns_read() there are none. */
size_t nouns_count(void);
const struct command *noun_at(size_t i);

#endif
