#!/bin/sh
# SPDX-License-Identifier: MIT
# kept.sh BUILD - what the transcripts leave in the ring, played again
#
# Each daemon of the transcripts keeps its sessions, once with and once without bodies. Played again to the same
# configuration, none of them may end otherwise, and nothing may be missing but bodies.
set -u

B=$(cd "${1:-build}" && pwd) || exit 1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 1
pids=
# Of what still runs, only what was started here.
trap 'kill $pids 2>/dev/null; wait; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
export TMPDIR="$work"
TSAN_OPTIONS="suppressions=$(realpath "$here/../tsan.supp") history_size=7 ${TSAN_OPTIONS-}"
export TSAN_OPTIONS
chmod 755 "$work"
chmod 600 "$here/arc_seal.pem"
passed=0
failed=0
slow=
case $B in *asan* | *tsan*) slow=--slow ;; esac

# bound COMMAND...: ends with the shell that waits for it.
bound() {
	setpriv --pdeathsig TERM "$@"
}

good() {
	passed=$((passed + 1))
}

# bad WHAT: shows the latest output.
bad() {
	failed=$((failed + 1))
	echo "FAIL $1"
	sed 's/^/    /' "$work/out"
}

# keeper BODIES: a daemon that keeps its sessions, and a copy of its configuration without that.
keeper() {
	cat <<-END >"$work/keeper"
		#!/bin/sh
		place=\$(mktemp -d "$work/kept.XXXXXX")
		cp "\$3" "\$place/filter.conf"
		echo "record { path = \\"\$place/ring\\"; max_body = $1 }" >>"\$3"
		exec "$B/chainmail" "\$@"
	END
	chmod +x "$work/keeper"
}

# number FIELD: of the JSON in $work/out.
number() {
	grep -oE "\"$1\":[0-9]+" "$work/out" | head -n 1 | cut -d: -f2
}

# replayed PLACE CONFIG: the status of replay, its JSON in $work/out.
replayed() {
	bound "$B/chainmail" replay --json --config "$2" --record "$1/ring" >"$work/out" 2>&1
}

# What cannot be known again of a configuration, and why; "" of most.
exception() {
	case $(head -n 1 "$1") in
	*" limits.conf "*) echo connections ;; # those that brought no message are not kept
	*" hostile.conf "*) echo bodies ;;    # of which an MTA was told to send no more
	*" lists.conf "*) echo dns ;;	       # lists that were tested and suspended when the daemon started
	esac
}

# as_it_was PLACE: replay says that nothing is otherwise.
as_it_was() {
	differs=$(($(number sessions) - $(number same) - $(number not_tried)))
	case $(exception "$1/filter.conf") in
	connections) [ "$differs" -le 1 ] && ! grep -qE '"link":"([^c]|c[^o])' "$work/out" && return 0 ;;
	dns) [ "$differs" = 0 ] && return 0 ;;
	*) [ "$differs" = 0 ] && [ "$(number dns_not_recorded)" = 0 ] && return 0 ;;
	esac
	return 1
}

# keep BODIES: plays the transcripts and all that they leave.
keep() {
	bodies=$1
	sessions=0
	keeper "$bodies"
	bound "$B/tests/transcript" $slow --daemon "$work/keeper" "$here"/*.smtp >"$work/out" 2>&1 ||
		bad "the transcripts fail where sessions are kept (bodies: $bodies)"
	for place in "$work"/kept.*; do
		replayed "$place" "$place/filter.conf"
		sessions=$((sessions + $(number sessions)))
		if [ "$(number damaged)" = 0 ] && as_it_was "$place"; then
			good
		else
			bad "the same configuration says something else (bodies: $bodies): $(head -n 1 "$place/filter.conf")"
		fi
		[ "$bodies" = 0 ] || [ "$(exception "$place/filter.conf")" = bodies ] || [ "$(number as_they_were)$(number without_opinion)" = 00 ] ||
			bad "a body is missing that was kept: $(head -n 1 "$place/filter.conf")"
	done
	[ "$sessions" -gt 100 ] || bad "only $sessions sessions were kept"
	echo "kept with bodies up to $bodies: $sessions sessions"
	echo "$passed passed, $failed failed"
}

# Both at once, each in a directory of its own: they wait for answers, most of the time.
for bodies in 0 4M; do
	(
		work="$work/$bodies"
		mkdir "$work"
		export TMPDIR="$work"
		keep "$bodies"
	) >"$work/said.$bodies" 2>&1 &
	pids="$pids $!"
done
wait
for bodies in 0 4M; do
	counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$work/said.$bodies" | tail -n 1)
	grep -vxF -- "$counts" "$work/said.$bodies"
	[ -n "$counts" ] || counts="0 passed, 1 failed"
	passed=$((passed + ${counts%% *}))
	counts=${counts#*, }
	failed=$((failed + ${counts%% *}))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
