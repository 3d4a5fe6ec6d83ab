/* SPDX-License-Identifier: MIT */
/*
 * fuzz_lpeg.c - any octets as steps that build patterns of LPeg, and behind a line end the text
 * that these are matched against
 *
 * Debian's LPeg has its assertions compiled in, so a pattern that it does not expect ends the
 * process, as one that it mistakes ends this target.
 */
#include "rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/*
 * Patterns lie on a stack. A letter takes what it needs from there, or from the octets behind it,
 * and puts a pattern there; what cannot be built is an error, and nothing then. In the end each of
 * them either matches or its opposite does.
 */
static const char rule[] =
	"local P, V = lpeg.P, lpeg.V\n"
	"local names = { 'a', 'b', 1, 2 }\n"
	"local function some(s, i, ...) return i % 3 ~= 0 and i, ... end\n"
	"local function join(a, b) return tostring(a) .. tostring(b) end\n"
	"local function build(take, pop)\n"
	"    local function number() return (take() or 0) % 16 - 8 end\n"
	"    local function name() return names[(take() or 0) % #names + 1] end\n"
	"    local function text()\n"
	"        local t = {}\n"
	"        for i = 1, (take() or 0) % 8 do t[i] = string.char(take() or 97) end\n"
	"        return table.concat(t)\n"
	"    end\n"
	"    local function grammar()\n"
	"        local g = { name() }\n"
	"        for _ = 1, (take() or 0) % 4 + 1 do g[name()] = pop() end\n"
	"        return P(g)\n"
	"    end\n"
	"    return {\n"
	"        P = function() return P(text()) end, N = function() return P(number()) end,\n"
	"        T = function() return P(true) end, F = function() return P(false) end,\n"
	"        S = function() return lpeg.S(text()) end, G = grammar,\n"
	"        R = function() return lpeg.R(text():sub(1, 2)) end,\n"
	"        V = function() return V(name()) end, B = function() return lpeg.B(pop()) end,\n"
	"        ['+'] = function() return pop() + pop() end,\n"
	"        ['*'] = function() return pop() * pop() end,\n"
	"        ['-'] = function() return pop() - pop() end,\n"
	"        ['^'] = function() return pop() ^ number() end,\n"
	"        ['!'] = function() return -pop() end, ['&'] = function() return #pop() end,\n"
	"        D = function() local p = pop() return p, p end,\n"
	"        C = function() return lpeg.C(pop()) end, t = function() return lpeg.Ct(pop()) "
	"end,\n"
	"        s = function() return lpeg.Cs(pop()) end, p = function() return lpeg.Cp() end,\n"
	"        c = function() return lpeg.Cc(text(), number()) end,\n"
	"        a = function() return lpeg.Carg(number()) end,\n"
	"        g = function() return lpeg.Cg(pop(), name()) end,\n"
	"        u = function() return lpeg.Cg(pop()) end,\n"
	"        b = function() return lpeg.Cb(name()) end,\n"
	"        f = function() return lpeg.Cf(pop(), join) end,\n"
	"        m = function() return lpeg.Cmt(pop(), some) end,\n"
	"        ['/'] = function() return pop() / text() end,\n"
	"        n = function() return pop() / ((take() or 0) % 4) end,\n"
	"        q = function() return pop() / { a = 1, b = 'two' } end,\n"
	"        j = function() return pop() / join end,\n"
	"    }\n"
	"end\n"
	"local function patterns(code)\n"
	"    local at, stack = 0, {}\n"
	"    local function take() at = at + 1 return code:byte(at) end\n"
	"    local function pop() return table.remove(stack) or P(1) end\n"
	"    local steps = build(take, pop)\n"
	"    while at < #code do\n"
	"        local step = steps[string.char(take())]\n"
	"        local good, one, two = pcall(step or error)\n"
	"        if good then stack[#stack + 1] = one end\n"
	"        if good and two then stack[#stack + 1] = two end\n"
	"    end\n"
	"    return stack\n"
	"end\n"
	"function message(m)\n"
	"    local code, text = (m:body(20000) or ''):match('^([^\\n]*)\\n(.*)$')\n"
	"    if not code then return end\n"
	"    for _, p in ipairs(patterns(code)) do\n"
	"        pcall(lpeg.match, p, text, 1, 'x', 'y')\n"
	"        local good, stop = pcall(lpeg.match, p / 0, text, 1, 'x', 'y')\n"
	"        local also, other = pcall(lpeg.match, -p, text, 1, 'x', 'y')\n"
	"        if good and stop and (stop < 1 or stop > #text + 1) then\n"
	"            return reject('a place outside of the text')\n"
	"        end\n"
	"        if good and also and (stop == nil) == (other == nil) then\n"
	"            return reject('a pattern and its opposite')\n"
	"        end\n"
	"    end\n"
	"end\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	rule_load(rule);
	rule_run(data, len);
	return 0;
}
