#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# docs.sh [BUILD] - every example in README.md and docs/*.md does what the text says
#
# What a fenced block is, its info string says:
#   conf, lua, c              complete in itself: checked; a rule also runs, and must not fail
#   conf fragment             gets the listener and the profile that it lacks
#   lua fragment HOOK         becomes the body of that hook
#   conf wrong, lua wrong     must be refused; an `output` block behind it holds what check prints
#   lua fails                 must fail at run time; `output`: what the log says of it
#   conf served mail=LIST     is also served by a daemon until the document ends, which gets that mail first:
#                             LOGIN:MESSAGES:RECIPIENTS,... over the socket mail.sock
#   lua test, lua test fails  has a name, NAME_test.lua; its cases pass, or not all of them do
#   console                   lines "$ command" are run with the latest `conf` example above, the
#                             others are what they print; build/ is the build directory
#   commands                  of the running daemon, which has a limit and a greylist: each one is done
#   zone                      is a zone file without a mistake
#   unit                      of systemd: runs commands that there are
#   sh                        for another machine: has no mistakes of syntax, and the make targets and the
#                             commands and options of chainmail that it names exist
#   ... file=NAME             is also kept under that name for the other examples of its document
#   ... written=NAME          the same, from there on
# Displays of manual pages are blocks; their info string is in the line `.\" example: INFO` before them.
# What is not run, sh too, stands in tests/docs.not_run with the reason. A block that is not run and not there is a
# failure, and so is what stands there and in no document. Functions, files and make targets that are named must
# exist. Each document has a directory of its own; absolute names below /etc, /run and /var lead into it,
# and users and groups are those who run the test. Times, ids and the version are not compared.
set -u

cd "$(dirname "$0")/.." || exit 1
BUILD=$(cd "${1:-build}" 2>/dev/null && pwd) || { echo "docs.sh: no ${1:-build}; run: make all" >&2 && exit 1; }
[ -x "$BUILD/chainmail" ] || { echo "docs.sh: no $BUILD/chainmail; run: make all" >&2 && exit 1; }
[ -x "$BUILD/tests/load" ] || { echo "docs.sh: no $BUILD/tests/load; run: make check-docs" >&2 && exit 1; }
export PATH=$BUILD:$PATH CHAINMAIL_CONFIG=filter.conf LC_ALL=C.UTF-8
WORK=$(mktemp -d) || exit 1
DAEMON=
NOT_RUN=tests/docs.not_run
declare -A EXCUSES EXCUSED
trap 'end_daemon; rm -rf "$WORK"' EXIT
trap 'exit 1' INT TERM HUP
passed=0
failed=0

# blocks DOC DIR: each block in DIR/N; DIR/index has a line "N LINE INFO" for each.
blocks() {
	awk -v dir="$2" '
		/^```/ && !open { open = 1; info = substr($0, 4); n++
			print n, NR, info >(dir "/index"); printf "" >(dir "/" n); next }
		/^```$/ { open = 0; next }
		open { print >(dir "/" n) }
		END { exit open }' "$1"
}

# under NAME TEXT...: absolute names of the machine lead below the document's directory.
localize() {
	sed -E "s,(^|[\": =])/(etc|run|var)/,\1$DIR/root/\2/,g
		s,^( *user +=) [a-z]+,\1 $(id -un),; s,^( *group +=) [a-z]+,\1 $(id -gn)," "$1"
}

# directories CONF: those that the machine of the text has.
directories() {
	local name
	for name in $(grep -oE "$DIR/root/[^ \";]*" "$1"); do
		mkdir -p "$(dirname "$name")"
	done
}

# databases DOC: those of addresses, where the document is about m.geo.
databases() {
	local name
	grep -q '\bm\.geo\b' "$1" || return 0
	mkdir -p "$DIR/root/var/lib/GeoIP"
	for name in ASN City; do
		perl tests/unit/geo.pl "$DIR/root/var/lib/GeoIP/GeoLite2-$name.mmdb" DE
	done
}

# keep BLOCK INFO KEY: writes a block that has a name, KEY=NAME, under it.
keep() {
	local name
	case $2 in *"$3="*) ;; *) return ;; esac
	name=${2#*"$3="}
	name=${name%% *}
	[ "${name#/}" = "$name" ] || name=root$name
	mkdir -p "$DIR/$(dirname "$name")"
	localize "$1" >"$DIR/$name"
}

# Names of the sections of a kind: section_names plugin FILE.
section_names() {
	sed -nE "s/^$1 +([a-z0-9_]+).*/\1/p" "$2"
}

# complete FRAGMENT: a configuration that holds it.
complete() {
	grep -q '^listener' "$1" || echo 'listener test { type = milter; socket = unix:test.sock }'
	cat "$1"
	grep -q '^profile' "$1" || printf 'profile all { chain = [ %s ] }\n' \
		"$({ section_names plugin "$1" && section_names script "$1"; } | paste -sd, -)"
}

# rule_conf RULE: a configuration that runs the rule, with the maps that it names, the plugin that it asks, and places.
rule_conf() {
	local map
	for map in $(grep -oE '\bmap *\(?"[a-z0-9_]+"' "$1" | grep -oE '"[a-z0-9_]+"' | tr -d '"' | sort -u); do
		printf 'map %s { match = exact; entries = [ "key value" ] }\n' "$map"
	done
	if grep -qE '\bgreylist\(m\b' "$1"; then
		printf 'store local { type = memory }\nplugin greylist { use_spf = no }\n'
		printf 'profile all { chain = [ rule ] }\n'
	fi
	! grep -q '\bm\.geo\b' "$1" || printf 'geo { database = %s }\n' "$DIR/root/var/lib/GeoIP/GeoLite2-City.mmdb"
	printf 'script rule { file = scripts/rule.lua }\n'
}

# hook_body HOOK BODY: a rule with that body.
hook_body() {
	local second=
	case $1 in
	helo) second=', name' ;;
	mail) second=', from' ;;
	rcpt) second=', to' ;;
	done) second=', verdict' ;;
	esac
	printf 'function %s(m%s)\n' "$1" "$second"
	cat "$2"
	printf 'end\n'
}

end_daemon() {
	[ -n "$DAEMON" ] || return 0
	kill "$DAEMON"
	wait "$DAEMON" 2>/dev/null
	DAEMON=
}

# serve MAIL WHERE: a daemon of the document's configuration, and what some logins have sent.
serve() {
	local login messages rcpts
	end_daemon
	(cd "$DIR" && exec chainmail serve --config filter.conf >"$DIR/daemon.log" 2>&1) &
	DAEMON=$!
	for _ in $(seq 100); do
		(cd "$DIR" && chainmail status >/dev/null 2>&1) && break
		sleep 0.1
	done
	tr ',' '\n' <<<"$1" | while IFS=: read -r login messages rcpts; do
		"$BUILD/tests/load" "unix:$DIR/mail.sock" --connections 1 --messages "$messages" --rcpts "$rcpts" \
			--login "$login" --from "$login@example.com"
	done >"$WORK/out" 2>&1
	kill -0 "$DAEMON" && ! grep -q '"failed":[1-9]' "$WORK/out"
	verdict $? "$2: is served"
}

# ordinary TEXT: without what differs from run to run.
ordinary() {
	sed -E -e "s,$DIR/root/,/,g" -e 's/[0-9.]+ (us|ms)\b/N \1/g' -e 's/\bid=[A-Za-z0-9]+/id=ID/g' \
		-e 's/(failed|passed), [0-9.]+ s\b/\1, N s/g' -e 's/\(id [A-Za-z0-9]+\)/(id ID)/g' -e 's/_at":[0-9]+/_at":N/g' \
		-e 's/full again [0-9: -]+/full again WHEN/g' \
		-e 's/tripped [0-9]{2}:[0-9]{2}/tripped WHEN/' -e 's/^(chainmail )[0-9.]+ (.*) [0-9]+ sessions?, .*/\1 \2/' \
		-e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]+[+-][0-9:]+| [0-9:]+)/DATE/g' -e 's/\btime=[0-9.]+ms/time=N/g' -e 's/[[:space:]]+$//' "$1"
}

# verdict STATUS WHERE: counts, and shows what was printed when the status is not 0.
verdict() {
	[ "$1" != 0 ] || { passed=$((passed + 1)) && return; }
	failed=$((failed + 1))
	echo "not ok: $2" >&2
	sed 's/^/    /' "$WORK/out" >&2
}

# What is not run, and why: "= REASON", and below it lines "DOCUMENT: FIRST LINE OF THE BLOCK".
read_excuses() {
	local line why=
	while IFS= read -r line; do
		case $line in
		'' | '#'*) ;;
		'= '*) why=${line#= } ;;
		*) EXCUSES[$line]=$why && EXCUSED[$line]=0 ;;
		esac
	done <"$NOT_RUN"
}

# excused BLOCK WHERE: it is not run, and the list says why.
excused() {
	local key
	key="${2%%:*}: $(head -n 1 "$1")"
	if [ -n "${EXCUSES[$key]-}" ]; then
		echo "docs: not run: ${2%% *} ${EXCUSES[$key]}"
		EXCUSED[$key]=1
		return
	fi
	cp "$1" "$WORK/out"
	verdict 1 "$2: is not run, and $NOT_RUN does not say why: $key"
}

# compare WHERE WANTED: the output is exactly that.
compare() {
	diff <(ordinary "$2") <(ordinary "$WORK/out") >"$WORK/diff"
	set -- $? "$1 (< as written, > as printed)"
	mv "$WORK/diff" "$WORK/out"
	verdict "$@"
}

# check_conf WHERE STATUS: runs check in the document's directory.
check_conf() {
	(cd "$DIR" && chainmail check --config filter.conf) >"$WORK/out" 2>&1
	[ $? = "$2" ]
	verdict $? "$1"
}

# load_rule RULE: makes it the only rule of filter.conf.
load_rule() {
	cp "$1" "$DIR/scripts/rule.lua"
	rule_conf "$1" >"$WORK/fragment"
	complete "$WORK/fragment" >"$DIR/filter.conf"
}

check_rule() {
	load_rule "$1"
	check_conf "$2" "$3"
}

# explain: a message through the configuration of the document's directory.
explain() {
	printf 'From: ann@example.org\n\nHello\n' |
		(cd "$DIR" && chainmail explain - --client 192.0.2.1 --helo mail.example.org \
			--from ann@example.org --to bob@example.com)
}

# run_rule RULE WHERE: it loads, and a message passes through it without a failure.
run_rule() {
	check_rule "$1" "$2" 0
	explain >"$WORK/out" 2>&1
	! grep -q ' failed ' "$WORK/out" && grep -q '^verdict' "$WORK/out"
	verdict $? "$2: runs"
}

# fail_rule RULE WHERE: the first line of the log, without who called the function and what followed.
fail_rule() {
	load_rule "$1"
	explain 2>&1 >/dev/null |
		sed -nE '1s/^chainmail[^ ]* [a-z]+: [^ ]+ rule: //; 1s/; on_error = [a-z]+$//
			1s/ \(.*:[0-9]+\)$//; 1p' >"$WORK/out"
	[ -s "$WORK/out" ]
	verdict $? "$2"
}

# test_rule INFO WHERE STATUS: the cases of the file that the info string names.
test_rule() {
	local name=${1#*=}
	(cd "$DIR" && chainmail test "${name%% *}") >"$WORK/out" 2>&1
	[ $? = "$3" ]
	verdict $? "$2"
}

run_console() {
	local line
	cp "$DIR/running.conf" "$DIR/filter.conf" 2>/dev/null
	while IFS= read -r line; do
		case $line in
		'$ '*) printf '%s\n' "$line" && (cd "$DIR" && bash -c "${line#"$ "}" 2>&1 </dev/null) ;;
		esac
	done <"$1" >"$WORK/out"
	compare "$2" "$1"
}

# run_commands BLOCK WHERE
run_commands() {
	local line
	cat >"$DIR/filter.conf" <<-END
		main { admins = [ "$(id -un)" ] }
		listener mail    { socket = unix:mail.sock }
		listener control { type = control; socket = unix:control.sock }
		store local { type = memory }
		profile all { chain = [ outbound_limit, spf, greylist ] }
		dns { zone = "$DIR/nothing.zone" }
		plugin outbound_limit { type = ratelimit; key = [ auth_user ]; limit = 200/1h }
		plugin spf { }
		plugin greylist { }
	END
	: >"$DIR/nothing.zone"
	serve bob:1:1 "$2"
	while IFS= read -r line; do
		line=${line#'# '}
		(cd "$DIR" && bash -c "${line%%   *}" >"$WORK/out" 2>&1 </dev/null)
		verdict $? "$2: $line"
	done <"$1"
}

# check_zone BLOCK WHERE
check_zone() {
	echo 'plugin access { }' >"$WORK/fragment"
	complete "$WORK/fragment" >"$DIR/zone.conf"
	(cd "$DIR" && chainmail dns --zone "$1" --config zone.conf A example.org) >"$WORK/out" 2>&1
	! grep -q ' error: ' "$WORK/out" && grep -q '^source *zone file' "$WORK/out"
	verdict $? "$2"
}

# Commands of chainmail that a block names, each with its options: commands_of BLOCK.
commands_of() {
	sed 's/#.*//' "$1" | grep -oE '(^|[ (])chainmail +[a-z]+[^|;&]*' | sed -E 's/.*chainmail +//'
}

# check_shell BLOCK WHERE
check_shell() {
	local target command option
	bash -n "$1" >"$WORK/out" 2>&1
	while read -r command option; do
		chainmail help "$command" >"$WORK/help" 2>&1 || echo "no command $command" >>"$WORK/out"
		for option in $(grep -oE -- '--[a-z][a-z-]*' <<<"$option"); do
			grep -qE -- "$option\\b" "$WORK/help" || echo "$command has no option $option" >>"$WORK/out"
		done
	done < <(commands_of "$1")
	for target in $(sed 's/#.*//' "$1" | grep -oE '\bmake +[a-z][a-z-]*\b' | sed 's/.* //' | sort -u); do
		grep -q "^$target:" Makefile || echo "no target $target" >>"$WORK/out"
	done
	[ ! -s "$WORK/out" ]
	verdict $? "$2"
}

# check_unit BLOCK WHERE
check_unit() {
	local command
	: >"$WORK/out"
	for command in $(sed -nE 's,^Exec[A-Za-z]+=.*/chainmail ([a-z]+)$,\1,p' "$1"); do
		chainmail "$command" --help >>"$WORK/help" 2>&1 || echo "no command $command" >>"$WORK/out"
	done
	[ -s "$WORK/help" ] && [ ! -s "$WORK/out" ]
	verdict $? "$2"
	rm -f "$WORK/help"
}

# example BLOCK WHERE INFO
example() {
	localize "$1" >"$WORK/block"
	directories "$WORK/block"
	case $3 in
	'conf fragment'*) complete "$WORK/block" >"$DIR/filter.conf" && check_conf "$2" 0 ;;
	'conf wrong'*) cp "$1" "$DIR/filter.conf" && check_conf "$2" 1 ;;
	conf | 'conf '*)
		SERVED=${3#*served mail=}
		cp "$WORK/block" "$DIR/filter.conf"
		cp "$WORK/block" "$DIR/running.conf"
		check_conf "$2" 0
		[ "$SERVED" = "$3" ] || serve "${SERVED%% *}" "$2"
		;;
	'lua fragment '*) hook_body "${3##* }" "$1" >"$WORK/rule" && run_rule "$WORK/rule" "$2" ;;
	'lua fails'*) fail_rule "$1" "$2" ;;
	'lua wrong'*) check_rule "$1" "$2" 1 ;;
	'lua test fails'*) test_rule "$3" "$2" 1 ;;
	'lua test'*) test_rule "$3" "$2" 0 ;;
	lua | 'lua '*) run_rule "$1" "$2" ;;
	output) compare "$2" "$1" ;;
	console) run_console "$1" "$2" ;;
	sh)
		check_shell "$1" "$2"
		excused "$1" "$2"
		;;
	zone | 'zone '*) check_zone "$1" "$2" ;;
	commands) run_commands "$1" "$2" ;;
	unit) check_unit "$1" "$2" ;;
	c)
		cc -std=c11 -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c "$1" >"$WORK/out" 2>&1
		verdict $? "$2"
		;;
	*' file='* | *' written='*) ;; # what other examples read
	*) excused "$1" "$2" ;;
	esac
}

# document FILE [NAME]
document() {
	local n line info name=${2:-$1}
	DIR=$WORK/$(basename "$1").d
	mkdir -p "$DIR/blocks" "$DIR/scripts"
	ln -s "$BUILD" "$DIR/build"
	: >"$DIR/blocks/index"
	: >"$WORK/out"
	databases "$1"
	blocks "$1" "$DIR/blocks" || verdict 1 "$1: a fenced block has no end"
	while read -r n line info; do
		keep "$DIR/blocks/$n" "$info" file
	done <"$DIR/blocks/index"
	while read -r n line info; do
		keep "$DIR/blocks/$n" "$info" written
		example "$DIR/blocks/$n" "$name:$line: $info" "$info"
	done <"$DIR/blocks/index"
	end_daemon
}

# manual PAGE: its displays are blocks, too.
manual() {
	sed -E '/^\.\\" example: /{ N; s/^\.\\" example: ([^\n]*).*/\n```\1/; }; s/^\.Bd.*/``` /; s/^\.Ed$/```/; s/\\&//g; s/\\e/\\/g' "$1" |
		awk '/^```./ { open = 1 } { print open ? $0 : "" } /^```$/ { open = 0 }' >"$WORK/${1##*/}"
	document "$WORK/${1##*/}" "$1"
}

# shellcheck disable=SC2013,SC2016 # backticks are those of Markdown
# names DOC: the functions, files of core/ and make targets that it names are there.
names() {
	local name
	: >"$WORK/out"
	for name in $(grep -oE '`[a-z_]+\(\)`' "$1" | tr -d '`()' | sort -u); do
		grep -rqE "\\b$name\\(" include core plugins || echo "no function $name()" >>"$WORK/out"
	done
	for name in $(grep -oE '`[a-z]+/[a-z_]+\.[chl][a-z]*`' "$1" | tr -d '`' | sort -u); do
		[ -f "core/$name" ] || [ -f "include/$name" ] || [ -f "$name" ] || echo "no file $name" >>"$WORK/out"
	done
	for name in $(grep -oE '`make [a-z-]+' "$1" | sed 's/.* //' | sort -u); do
		grep -q "^$name:" Makefile || echo "no target $name" >>"$WORK/out"
	done
	[ ! -s "$WORK/out" ]
	verdict $? "$1: names what is not there"
}

read_excuses
for doc in README.md docs/*.md; do
	document "$doc"
done
for page in docs/*.[1-9]; do
	manual "$page"
done
for doc in README.md docs/ARCHITECTURE.md docs/PERFORMANCE.md docs/PLUGINS.md; do
	names "$doc"
done
for key in "${!EXCUSED[@]}"; do
	[ "${EXCUSED[$key]}" = 0 ] || continue
	: >"$WORK/out"
	verdict 1 "$NOT_RUN: no document has a block that is not run and begins so: $key"
done
echo "docs: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
