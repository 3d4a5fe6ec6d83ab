/* SPDX-License-Identifier: MIT */
/*
 * fuzz_json.c - any octets as JSON of a rule: decoded, written again, and the same then
 */
#include "rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What is a value is text again, and that text is what it is. */
static const char rule[] =
	"function message(m)\n"
	"    local value, why = json.decode(m:body(300000) or '')\n"
	"    if why then return end\n"
	"    local good, text = pcall(json.encode, value)\n"
	"    if not good then return end\n"
	"    local again, wrong = json.decode(text)\n"
	"    if wrong then return reject('not JSON: ' .. wrong) end\n"
	"    if json.encode(again) ~= text then return reject('another text') end\n"
	"end\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	rule_load(rule);
	rule_run(data, len);
	return 0;
}
