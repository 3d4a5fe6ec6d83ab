/* SPDX-License-Identifier: MIT */
/*
 * test_store_lmdb.c - a store in a file: what every store answers
 */
#include "store_lmdb_case.h"

static const struct store_case_backend lmdb = {.begin = lmdb_case_begin, .end = lmdb_case_end};

int
main(void)
{
	Suite *suite = suite_create("store lmdb");

	store_case_add(suite, &lmdb);
	return table_run(suite);
}
