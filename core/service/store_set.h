/* SPDX-License-Identifier: MIT */
/*
 * store_set.h - how many different members a set has had, in bounded room
 *
 * Up to 64 the hashes themselves, so the count is exact; then a sketch of 1,024 registers
 * (HyperLogLog), wrong by 3 % in the usual case. Hashes are the same in every process.
 */
#ifndef CORE_SERVICE_STORE_SET_H
#define CORE_SERVICE_STORE_SET_H

#include <stddef.h>
#include <stdint.h>

#define STORE_SET_EXACT 64u
/* Octets of a set, at most. */
#define STORE_SET_MOST 1025u

/* The set with the member, in out; its length. What is no set is an empty one. */
size_t store_set_add(const void *set, size_t len, const void *member, size_t member_len,
	unsigned char out[STORE_SET_MOST]);
/* By which a set knows a member, here and in Redis. */
uint64_t store_set_hash(const void *member, size_t len);
int64_t store_set_count(const void *set, size_t len);

#endif
