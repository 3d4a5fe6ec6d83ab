/* SPDX-License-Identifier: MIT */
/*
 * longjmp.h - lets sanitizers see how Lua raises errors
 *
 * Debian's Lua is built with _FORTIFY_SOURCE and leaves functions by __longjmp_chk(), which the
 * thread sanitizer does not know: each error would leave a frame on its shadow of the stack, until
 * that overflows. In a test's binary the call goes to longjmp(), which it knows.
 */
#ifndef TESTS_UNIT_LONGJMP_H
#define TESTS_UNIT_LONGJMP_H

#include <setjmp.h>

/* The header's own declaration would lead back to __longjmp_chk(). */
extern void longjmp_known(struct __jmp_buf_tag *, int) __asm__("longjmp") __attribute__((noreturn));
extern void
__longjmp_chk(struct __jmp_buf_tag *, int) __attribute__((noreturn, visibility("default")));

void
__longjmp_chk(struct __jmp_buf_tag *env, int value)
{
	longjmp_known(env, value);
}

#endif
