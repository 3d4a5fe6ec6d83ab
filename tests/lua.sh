#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# lua.sh [BUILD] - rules, those of scripts/ and those that `chainmail new rule` writes: luacheck finds
# nothing, they load, the new ones pass their tests, and what is there is never replaced
set -u

cd "$(dirname "$0")/.." || exit 1
BUILD=$(cd "${1:-build}" 2>/dev/null && pwd) || { echo "lua.sh: no ${1:-build}; run: make all" >&2 && exit 1; }
[ -x "$BUILD/chainmail" ] || { echo "lua.sh: no $BUILD/chainmail; run: make all" >&2 && exit 1; }
export PATH=$BUILD:$PATH CHAINMAIL_CONFIG=filter.conf LC_ALL=C.UTF-8
WORK=$(mktemp -d) || exit 1
trap 'rm -rf "$WORK"' EXIT
trap 'exit 1' INT TERM HUP
passed=0
failed=0

# ok WHAT COMMAND...: the command, whose output is shown when it fails.
ok() {
	local what=$1
	shift
	if "$@" >"$WORK/out" 2>&1; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	echo "not ok: $what" >&2
	sed 's/^/    /' "$WORK/out" >&2
}

# says STATUS TEXT COMMAND...: exits so, and says that.
says() {
	local status=$1 text=$2
	shift 2
	"$@" >"$WORK/said" 2>&1
	[ $? = "$status" ] && grep -qF -- "$text" "$WORK/said" && return
	echo "wanted exit status $status and: $text"
	cat "$WORK/said"
	return 1
}

# lint DIRECTORY FILE...: rules, and their tests, by the .luacheckrc of the directory.
lint() {
	(cd "$1" && shift && luacheck -q "$@")
}

# What a linter must find, for else it finds nothing.
lint_finds() {
	printf '%s\n' "$1" >"$WORK/etc/wrong.lua"
	! lint "$WORK/etc" wrong.lua
}

# new NAME OPTION...: in the directory of a configuration.
new() {
	(cd "$WORK/etc" && chainmail new rule "$@")
}

# The line that it says to add is right as it stands.
follow_advice() {
	{
		echo 'listener l { socket = unix:l.sock }'
		echo 'profile all { chain = [ first ] }'
		sed -n 's/.* \(script first { .*\)/\1/p' "$WORK/advice"
	} >"$WORK/etc/filter.conf"
	chainmail check -c "$WORK/etc/filter.conf"
}

# explain FROM: what becomes of a message from there, enforced.
explain() {
	sed -i 's/; mode = shadow//' "$WORK/etc/filter.conf"
	printf 'Subject: x\n\nx\n' | chainmail explain - -c "$WORK/etc/filter.conf" --client 192.0.2.1 --helo h \
		--from "$1" --to bob@example.com
}

unchanged() {
	[ "$(cat "$WORK"/etc/scripts/first*.lua)" = "$(cat "$WORK/before")" ]
}

mkdir "$WORK/etc"
if command -v luacheck >/dev/null; then
	chainmail lua luacheck >"$WORK/etc/.luacheckrc"
	ok 'luacheck on scripts/' lint . scripts
	ok 'luacheck knows a name that is not there' lint_finds 'function mail(m) return rejct("x") end'
	ok 'luacheck knows a library that is not there' lint_finds 'function mail(m) os.exit() end'
	ok 'luacheck knows a global' lint_finds 'count = 1'
else
	echo "lua: SKIP luacheck: install the package lua-check" >&2
	[ -z "${CHAINMAIL_NO_SKIP-}" ] || failed=$((failed + 1))
fi
ok 'types for editors are Lua' luac5.4 -p docs/chainmail.d.lua
new first >"$WORK/advice" 2>&1
ok 'a first rule' grep -q '^wrote scripts/first_test.lua$' "$WORK/advice"
if command -v luacheck >/dev/null; then
	ok 'luacheck on a new rule' lint "$WORK/etc" scripts
fi
ok 'a new rule loads as it is said' follow_advice
ok 'a new rule passes its test' says 0 '# 4 passed, 0 failed' chainmail test "$WORK/etc/scripts"
ok 'a new rule refuses' says 1 'Mail from example.invalid is not taken here' explain ann@example.invalid
ok 'a new rule takes' says 0 'verdict   accept' explain ann@example.org
ok 'editors read .luarc.json' python3 -c 'import json, sys; json.load(open(sys.argv[1]))["workspace.library"][0]' \
	"$WORK/etc/scripts/.luarc.json"
cat "$WORK"/etc/scripts/first*.lua >"$WORK/before"
ok 'a rule that is there' says 1 'scripts/first.lua: is there already, and nothing was written' new first
rm "$WORK/etc/scripts/first.lua" && cp "$WORK/before" "$WORK/etc/scripts/first_test.lua"
ok 'a test that is there' says 1 'scripts/first_test.lua: is there already' new first
ok 'its rule was not written' test ! -e "$WORK/etc/scripts/first.lua"
ok 'what was there stays' unchanged
ln -s ../target "$WORK/etc/scripts/second.lua"
ok 'a link is not followed' says 1 'scripts/second.lua: is there already' new second
ok 'where it leads is nothing' test ! -e "$WORK/etc/target"
echo '{}' >"$WORK/etc/scripts/.luarc.json"
ok 'a directory of rules' says 0 'kept  scripts/.luarc.json' new third
ok 'its settings for editors stay' grep -qx '{}' "$WORK/etc/scripts/.luarc.json"
ok 'a directory elsewhere' says 0 "file = \"$WORK/rules/fourth.lua\"" new fourth --dir "$WORK/rules"
ok 'no directory above' says 1 'No such file or directory' new fifth --dir "$WORK/a/b"
for name in A 1a a-b a.b ../a a_test "$(printf '%061d' 0 | tr 0 a)" ''; do
	ok "no name: $name" says 64 'try: chainmail help new' new "$name" --dir "$WORK/none"
done
ok 'nothing was made of them' test ! -e "$WORK/none"
echo "lua: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
