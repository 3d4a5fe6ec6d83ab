/* SPDX-License-Identifier: MIT */
/*
 * dmarc.h - chainmail dmarc: what the daemon answers, and reports made of it
 */
#ifndef CORE_CLI_DMARC_H
#define CORE_CLI_DMARC_H

#include "cli.h"

#define DMARC_OPTIONS 4
extern const struct cli_option dmarc_options[DMARC_OPTIONS];

/* `report` writes files, and prints which; all else is as the daemon answers. The exit code. */
int dmarc_run(int argc, char **argv);

#endif
