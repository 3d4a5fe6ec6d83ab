-- Printed by `chainmail lua luacheck`: the names a rule of Chainmail can use.
stds.chainmail = {
	globals = {
		"connect",
		"helo",
		"mail",
		"rcpt",
		"data",
		"headers",
		"message",
		"done",
	},
	read_globals = {
		accept = { other_fields = true },
		discard = { other_fields = true },
		dnsbl = { other_fields = true },
		duration = { other_fields = true },
		greylist = { other_fields = true },
		map = { other_fields = true },
		metric = { other_fields = true },
		notify = { other_fields = true },
		quarantine = { other_fields = true },
		ratelimit = { other_fields = true },
		reject = { other_fields = true },
		require = { other_fields = true },
		settings = { other_fields = true },
		tempfail = { other_fields = true },
		log = { fields = { "info", "warn", } },
		time = { fields = { "now", } },
		dns = { fields = { "a", "aaaa", "all", "mx", "ns", "ptr", "txt", } },
		store = { fields = { "add_to_set", "delete", "get", "incr", "set", } },
		re = { fields = { "find", "gsub", "match", } },
		lpeg = { fields = { "B", "C", "Carg", "Cb", "Cc", "Cf", "Cg", "Cmt", "Cp", "Cs", "Ct", "P", "R", "S", "V", "locale", "match", "type", } },
		json = { fields = { "array", "decode", "encode", "null", } },
	},
}
std = "lua54+chainmail"
not_globals = {
	"collectgarbage",
	"coroutine",
	"debug",
	"dofile",
	"io",
	"load",
	"loadfile",
	"loadstring",
	"os",
	"package",
	"print",
	"warn",
}
-- A hook need not use all it is given.
unused_args = false
stds.chainmail_test = { read_globals = { "case", "map", "plugin", "shared_store", } }
files["**/*_test.lua"] = { std = "lua54+chainmail_test" }
