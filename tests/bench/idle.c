/* SPDX-License-Identifier: MIT */
/*
 * idle.c - holds connections open that say nothing, until its standard input ends
 *
 * Each has said HELO and sent one message before, as the connections of busy MTAs have.
 */
#include "../smtp/mta.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define MOST	   60000
#define TIMEOUT_MS 30000

static struct mta *
open_one(const char *address)
{
	const char *const from[] = {"<alice@example.org>"}, *const to[] = {"<bob@example.com>"};
	struct mta *m = mta_open(address, TIMEOUT_MS);

	if (m && mta_negotiate(m, &mta_offer_postfix) == MTA_NEGOTIATED &&
		mta_connect(m, "mail.example.org", "203.0.113.7", 40000) < MTA_REJECT &&
		mta_helo(m, "mail.example.org") < MTA_REJECT && mta_mail(m, from, 1) < MTA_REJECT &&
		mta_rcpt(m, to, 1) < MTA_REJECT && mta_data(m) < MTA_REJECT &&
		mta_header(m, "From", " Alice <alice@example.org>") < MTA_REJECT &&
		mta_eoh(m) < MTA_REJECT && mta_body(m, "text\r\n", 6) < MTA_REJECT &&
		mta_eom(m) < MTA_REJECT)
		return m;
	mta_close(m);
	return NULL;
}

int
main(int argc, char **argv)
{
	unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	struct rlimit files;

	if (count < 1 || count > MOST) {
		fprintf(stderr, "usage: idle SOCKET COUNT\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	for (unsigned long i = 0; i < count; i++) {
		if (!open_one(argv[1])) {
			fprintf(stderr, "idle: connection %lu is not served\n", i + 1);
			return 1;
		}
	}
	puts("open");
	fflush(stdout);
	while (getchar() != EOF)
		continue;
	return 0;
}
