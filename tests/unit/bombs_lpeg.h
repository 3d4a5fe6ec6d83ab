/* SPDX-License-Identifier: MIT */
/*
 * bombs_lpeg.h - what a hostile rule tries with patterns of LPeg; rows of bombs.h
 */
#ifndef TESTS_UNIT_BOMBS_LPEG_H
#define TESTS_UNIT_BOMBS_LPEG_H

/* A chain of n rules; each names the next as often as there are numbers in the text. */
#define CHAIN(n, body)                                                                    \
	"local V = lpeg.V local g = { 'r1' } for i = 1, " n " do local r = 'r' .. i + 1 " \
	"g['r' .. i] = " body " end g['r' .. " n " + 1] = lpeg.P('x') "

#define LPEG_BOMBS                                                                                 \
	{"A grammar tries each letter in two ways",                                                \
		"local a, s = lpeg.P('a'), lpeg.V(1) "                                             \
		"lpeg.match({ a * s * 'b' + a * s * 'c' + a }, ('a'):rep(60))",                    \
		OVER},                                                                             \
		{"A grammar is tried again and again, whatever it raises",                         \
			"local a, s = lpeg.P('a'), lpeg.V(1) while true do "                       \
			"pcall(lpeg.match, { a * s * 'b' + a * s * 'c' + a }, ('a'):rep(60)) end", \
			OVER},                                                                     \
		{"A pattern of another hook call explodes in this one",                            \
			"kept = kept or lpeg.P{ 'a' * lpeg.V(1) * 'b' + 'a' * lpeg.V(1) * 'c' + "  \
			"'a' } "                                                                   \
			"kept:match(('a'):rep(60))",                                               \
			OVER},                                                                     \
		{"A pattern looks to the end of the text at each letter",                          \
			"((1 - lpeg.P(1)^0 * 'x')^0):match(('a'):rep(200000))", OVER},             \
		{"A pattern runs over the text in a hundred ways",                                 \
			"local p = lpeg.P('x') for i = 1, 100 do p = lpeg.S('a' .. i)^0 * 'y' + "  \
			"p end "                                                                   \
			"local s = ('a'):rep(200000) while true do p:match(s) end",                \
			OVER},                                                                     \
		{"Grammars are built whose rules name the next twice",                             \
			CHAIN("30", "V(r) + V(r)") "while true do pcall(lpeg.P, g) end", OVER},    \
		{"Grammars are built with as many ways as they may have",                          \
			CHAIN("5", "V(r) * 'b' + V(r)") "local p = V('r1') for i = 1, 60 do p = "  \
							"'bc' * p + 'bd' end "                     \
							"g.r0 = p while true do "                  \
							"lpeg.P(g):match('x') end",                \
			OVER},                                                                     \
		{"A rule calls itself out of what is not captured",                                \
			"local v = lpeg.V(1) local p = v for i = 1, 24 do p = p * v end "          \
			"lpeg.C({ 'a' * -p }):match('a' .. 'a') while true do end",                \
			OVER},                                                                     \
		{"A pattern is multiplied by itself for ever",                                     \
			"local p = lpeg.P('x') while true do pcall(function() p = p * p end) end", \
			OVER},                                                                     \
		{"Patterns larger than any memory are asked for",                                  \
			"local p = lpeg.P('x') while true do pcall(lpeg.P, 1 << 30) "              \
			"pcall(lpeg.P, math.mininteger) pcall(function() return p^(1 << 31) end) " \
			"pcall(function() return p^math.mininteger end) "                          \
			"pcall(lpeg.P, ('x'):rep(9999)) end",                                      \
			OVER},                                                                     \
		{"A grammar goes deeper than its stack",                                           \
			"local p = lpeg.P{ '(' * lpeg.V(1) * ')' + 'x' } local s = "               \
			"('('):rep(9999) "                                                         \
			"while true do pcall(p.match, p, s) end",                                  \
			OVER},                                                                     \
		{"Captures fill the memory",                                                       \
			"local s = ('x'):rep(200000) while true do "                               \
			"pcall(lpeg.match, (lpeg.Cp() * lpeg.Cc(1, 2, 3) * 1)^0, s) end",          \
			NULL},                                                                     \
		{"Captures within captures copy the text",                                         \
			"local p = lpeg.P(1)^0 for i = 1, 150 do p = lpeg.C(p) end "               \
			"local s = ('x'):rep(100000) while true do pcall(p.match, p, s) end",      \
			NULL},                                                                     \
		{"Each group has the one before twice",                                            \
			"local p = lpeg.Cg(lpeg.Cc(1), 0) for i = 1, 60 do "                       \
			"p = p * lpeg.Cg((lpeg.Cb(i - 1) * lpeg.Cb(i - 1)) / 1, i) end "           \
			"(p * lpeg.Cb(60)):match('x')",                                            \
			OVER},                                                                     \
		{"Each text has the one before twice",                                             \
			"local p = lpeg.Cc('') for i = 1, 90 do p = p / '%1%1' end p:match('x')",  \
			OVER},                                                                     \
		{"A long group is asked for again and again",                                      \
			"local g = lpeg.Cg((lpeg.Cp() * 'x')^0, 'g') "                             \
			"local p = g * (lpeg.Cmt(lpeg.Cb('g'), function() return false end) * 1 "  \
			"+ "                                                                       \
			"lpeg.Cmt(lpeg.Cb('g') / 0, function(s, i) return i <= #s and i + 1 end) " \
			"* 1)^0 "                                                                  \
			"while true do pcall(p.match, p, ('x'):rep(3000) .. ('y'):rep(9999)) end", \
			OVER},                                                                     \
		{"A match calls a match calls a match",                                            \
			"local function f(s) return lpeg.match(lpeg.P(f), s) end "                 \
			"while true do pcall(f, 'x') end",                                         \
			OVER},                                                                     \
		{"A match calls a match, and the innermost has a pattern of a thousand levels",    \
			"local q = lpeg.P('x') for i = 1, 900 do q = -q end "                      \
			"local function f(s, i) pcall(lpeg.match, lpeg.P(f), s) q = -(-q) "        \
			"return q:match(s) end while true do pcall(f, 'x', 1) end",                \
			OVER},                                                                     \
		{"A function of a match has no end",                                               \
			"lpeg.match(lpeg.Cmt(true, function() " FOREVER " end), 'x')", OVER},      \
		{"A function of a match hides what it is stopped by",                              \
			"local p = lpeg.P(function() pcall(function() " FOREVER " end) " FOREVER   \
			" end) while true do pcall(p.match, p, 'x') end",                          \
			OVER},                                                                     \
		{"A function of a capture has no end",                                             \
			"lpeg.match(lpeg.P(1) / function() " FOREVER " end, 'x')", OVER},          \
		{"A function of a match waits",                                                    \
			"lpeg.match(lpeg.Cmt(true, function() return dns.a('one.example') end), "  \
			"'x')",                                                                    \
			"dns.a cannot be used inside of a function"},                              \
		{"Substitutions double the text",                                                  \
			"local s = 'x' while true do "                                             \
			"s = lpeg.match(lpeg.Cs((lpeg.P(1) / '%0%0')^0), s) end",                  \
			NULL},                                                                     \
		{"Patterns are made for ever",                                                     \
			"local t = {} while true do "                                              \
			"t[#t + 1] = lpeg.P('x') * lpeg.S('ab') end",                              \
			NULL},                                                                     \
		{"A pattern is compiled where there is no memory, and matched then",               \
			"local p = lpeg.P('x') for i = 1, 150 do p = p + 'y' * lpeg.C('ab' .. i) " \
			"end "                                                                     \
			"local t, n = {}, 0 pcall(function() while true do n = n + 1 t[n] = "      \
			"('x'):rep(500) .. n end end) "                                            \
			"while n > 0 do pcall(p.match, p, 'z') t[n] = nil n = n - 1 end while "    \
			"true do "                                                                 \
			"p:match('yab1') end",                                                     \
			NULL},

#define LPEG_LOAD_BOMBS                                                                           \
	{"A file builds a grammar of too many ways", CHAIN("30", "V(r) + V(r)") "lpeg.P(g)",      \
		"more than 200 ways through the rules"},                                          \
		{"A file builds grammars for ever",                                               \
			CHAIN("5", "V(r) * 'b' + V(r)") "while true do lpeg.P(g):match('x') end", \
			"loading used its 1s of processor time"},                                 \
		{"A file matches what explodes",                                                  \
			"lpeg.match({ 'a' * lpeg.V(1) * 'b' + 'a' * lpeg.V(1) * 'c' + 'a' }, "    \
			"('a'):rep(60))",                                                         \
			"loading used its 1s of processor time"},                                 \
		{"A file multiplies a pattern by itself",                                         \
			"local p = lpeg.P('x') while true do p = p * p end",                      \
			"this pattern has more than 2000 nodes"},                                 \
		{"A file asks for the tree of a pattern", "lpeg.ptree('x')",                      \
			"lpeg has no \"ptree\""},

#endif
