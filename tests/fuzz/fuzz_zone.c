/* SPDX-License-Identifier: MIT */
/*
 * fuzz_zone.c - any text as a zone file, and questions to it
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/diag.h"
#include "service/resolver.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct {
	const char *name;
	enum cm_dns_type type;
} questions[] = {
	{"a", CM_DNS_A},
	{"a.b", CM_DNS_TXT},
	{"b", CM_DNS_MX},
	{"", CM_DNS_NS},
	{"x.y.z", CM_DNS_AAAA},
};

static void
ask_all(struct resolver *r)
{
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
		struct question *q = resolver_ask(r, questions[i].name, questions[i].type);
		struct cm_dns_answer a;

		question_wait(q, 0, &a);
		if (!question_answered(q) || (a.count > 0) != (a.status == CM_DNS_FOUND))
			abort();
		question_drop(q);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("zone", MFD_CLOEXEC);
	struct diag *diag = diag_new();
	struct resolver *r;
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = resolver_open_zone(path, diag);
	if (r != NULL)
		ask_all(r);
	else if (diag_errors(diag) == 0)
		abort();
	resolver_close(r);
	diag_free(diag);
	close(fd);
	return 0;
}
