/* SPDX-License-Identifier: MIT */
/*
 * script_lines.c - the lines of a Lua file that hold something to run
 *
 * The form of compiled Lua 5.4 (format 0) is not documented, but has stayed the same through all of
 * 5.4. A function is: source, lines, three octets, code, constants, upvalues, functions inside of
 * it, and what debuggers want: for each instruction how far its line is from the one before, and
 * now and then a line as such.
 */
#include "script_lines.h"

#include <limits.h>
#include <lua.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FORMAT	    0x54, 0
#define DATA	    0x19, 0x93, '\r', '\n', 0x1a, '\n'
#define INSTRUCTION 4u /* octets */
/* Makes a function; its line is the "end" of that, whose own lines count. */
#define OP_MASK	   0x7fu
#define OP_CLOSURE 79u
/* A text file of a rule is not longer. */
#define LINES_MOST  (1u << 20)
#define NESTED_MOST 250

struct reader {
	const unsigned char *p, *end;
	bool bad;
	struct script_lines *out;
};

static const unsigned char *
skip(struct reader *r, size_t count, size_t size)
{
	const unsigned char *at = r->p;

	if (r->bad || (count > 0 && (size_t)(r->end - r->p) / size < count)) {
		r->bad = true;
		return NULL;
	}
	r->p += count * size;
	return at;
}

static unsigned
octet(struct reader *r)
{
	const unsigned char *at = skip(r, 1, 1);

	return at == NULL ? 0 : *at;
}

/* Seven bits at a time, the highest first; the last octet has its eighth bit set. */
static size_t
number(struct reader *r)
{
	size_t n = 0;
	unsigned c = 0;

	while (!r->bad && (c & 0x80) == 0) {
		c = octet(r);
		r->bad = r->bad || n > SIZE_MAX >> 7;
		n = n << 7 | (c & 0x7f);
	}
	return r->bad ? 0 : n;
}

/* With one more than its length in front; 0: there is none. */
static void
skip_string(struct reader *r)
{
	size_t size = number(r);

	skip(r, size > 0 ? size - 1 : 0, 1);
}

/* Octets of a constant by its tag; text has its length with it. */
static void
skip_constant(struct reader *r)
{
	switch (octet(r)) {
	case LUA_TNIL:
	case LUA_TBOOLEAN:
	case LUA_TBOOLEAN | 0x10:
		return;
	case LUA_TNUMBER:
		skip(r, 1, sizeof(lua_Integer));
		return;
	case LUA_TNUMBER | 0x10:
		skip(r, 1, sizeof(lua_Number));
		return;
	case LUA_TSTRING:
	case LUA_TSTRING | 0x10:
		skip_string(r);
		return;
	default:
		r->bad = true;
	}
}

static void
mark(struct reader *r, size_t line)
{
	struct script_lines *out = r->out;

	if (line == 0 || line > LINES_MOST)
		return;
	if (line > out->last) {
		out->could = mem_grow(out->could, (line + 1) * sizeof(*out->could));
		memset(out->could + out->last + 1, 0, (line - out->last) * sizeof(*out->could));
		out->last = (unsigned)line;
	}
	out->could[line] = true;
}

/* Instructions are in the machine's own order of octets. */
static bool
makes_function(const unsigned char *code, size_t i)
{
	uint32_t instruction;

	memcpy(&instruction, code + i * INSTRUCTION, INSTRUCTION);
	return (instruction & OP_MASK) == OP_CLOSURE;
}

/* Distances of the instructions, of which there are so many, then pairs of instruction and line. */
static void
read_lines(struct reader *r, size_t line, bool variable, const unsigned char *code, size_t of)
{
	size_t count = number(r);
	const unsigned char *distances = skip(r, count, 1);
	size_t pairs = number(r), at = pairs > 0 ? number(r) : SIZE_MAX;

	r->bad = r->bad || count != of;
	for (size_t i = 0; i < count && !r->bad; i++) {
		if (i == at) {
			line = number(r);
			at = --pairs > 0 ? number(r) : SIZE_MAX;
		} else {
			line += (size_t)(signed char)distances[i];
		}
		/* The first of a function with "..." is never seen to run; the last is "end". */
		if ((i > 0 || !variable) && i + 1 < count && !makes_function(code, i))
			mark(r, line);
	}
}

static void
read_function(struct reader *r, int depth)
{
	size_t line, size, count;
	const unsigned char *code;
	bool variable;

	r->bad = r->bad || depth > NESTED_MOST;
	skip_string(r);
	line = number(r);
	number(r);
	octet(r);
	variable = octet(r) != 0;
	octet(r);
	size = number(r);
	code = skip(r, size, INSTRUCTION);
	for (count = number(r); count > 0 && !r->bad; count--)
		skip_constant(r);
	skip(r, number(r), 3);
	for (count = number(r); count > 0 && !r->bad; count--)
		read_function(r, depth + 1);
	read_lines(r, line, variable, code, size);
	for (count = number(r); count > 0 && !r->bad; count--) {
		skip_string(r);
		number(r);
		number(r);
	}
	for (count = number(r); count > 0 && !r->bad; count--)
		skip_string(r);
}

void
script_lines_read(struct script_lines *out, const char *dump, size_t len)
{
	static const unsigned char head[] = {'\x1b', 'L', 'u', 'a', FORMAT, DATA, INSTRUCTION,
		sizeof(lua_Integer), sizeof(lua_Number)};
	struct reader r = {
		.p = (const unsigned char *)dump,
		.end = (const unsigned char *)dump + len,
		.out = out,
	};
	const unsigned char *found;

	*out = (struct script_lines){.could = mem_zalloc(1, sizeof(*out->could))};
	found = skip(&r, 1, sizeof(head));
	if (found == NULL || memcmp(found, head, sizeof(head)) != 0)
		return;
	/* An integer, a number, and how many upvalues the file has. */
	skip(&r, 1, sizeof(lua_Integer) + sizeof(lua_Number) + 1);
	read_function(&r, 0);
	if (r.bad) {
		out->last = 0;
		out->could[0] = false;
	}
}

void
script_lines_fini(struct script_lines *lines)
{
	free(lines->could);
}
