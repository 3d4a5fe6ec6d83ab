/* SPDX-License-Identifier: MIT */
/*
 * fuzz_re.c - any octets as an expression of Perl's, and behind a line end the text it is searched
 * in
 */
#include "rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Three functions that say the same of one text; an expression that is none is an error. */
static const char rule[] =
	"function message(m)\n"
	"    local pattern, text = (m:body(20000) or ''):match('^([^\\n]*)\\n(.*)$')\n"
	"    if not pattern then return end\n"
	"    local good, first, last = pcall(re.find, text, pattern)\n"
	"    if not good then return end\n"
	"    local found = re.match(text, pattern) ~= nil\n"
	"    if found and not first then return reject('match finds more than find') end\n"
	"    if first and (first < 1 or last > #text or last < first - 1) then\n"
	"        return reject('a place outside of the text')\n"
	"    end\n"
	"    local same, count = re.gsub(text, pattern, '%0')\n"
	"    if same ~= text then return reject('another text') end\n"
	"    if (count > 0) ~= (first ~= nil) then return reject('gsub finds others') end\n"
	"end\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	rule_load(rule);
	rule_run(data, len);
	return 0;
}
