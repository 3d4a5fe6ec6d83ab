#!/bin/bash
# SPDX-License-Identifier: MIT
# peers.sh BUILD [--rounds N] [--seconds S] [--engine E] [--json] - Chainmail beside rspamd, opendkim with opendmarc, and no-ops
#
# Root. All run at the same time in network and mount namespaces of their own, with one resolver on 127.0.0.1, so nothing
# leaves them; the peers' packages are unpacked into the build directory and appear below /usr only there. All get the
# same corpus (peers/corpus.py) in turns, from a client that plays Postfix 3.7, one milter connection for each SMTP session:
#
#   noop-answers        a libmilter filter that answers every step
#   noop-silent         the same, asks for no replies but the last
#   rspamd              scans by itself as a milter: spf, dkim, dmarc, ratelimit (Redis) and one rule in Lua
#   opendkim+opendmarc  one after the other, opendmarc reads what opendkim added and checks SPF itself
#   chainmail-memory    spf, dkim, dmarc, ratelimit, one rule in Lua, auth_results
#   chainmail-lmdb      the same, the limit is kept in LMDB
#
# First each class of messages is counted by what became of it and by the results that were added; a result that is not
# the one of peers/expected ends the benchmark, and so does one in any round. Then four tables, medians of all rounds:
# messages over 1, 16 and 64 connections; memory; behind a real Postfix; beside mail whose DNS takes two seconds.
set -u -o pipefail

usage() {
	echo "usage: peers.sh BUILD [--rounds N] [--seconds S] [--engine E] [--json]" >&2
	exit 2
}

B=build
rounds=3
seconds=3
engine=native
json=
words=("$@")
while [ $# -gt 0 ]; do
	case $1 in
	--engine) engine=${2:?}; shift ;;
	--json) json=yes ;;
	--rounds) rounds=${2:?}; shift ;;
	--seconds) seconds=${2:?}; shift ;;
	-*) usage ;;
	*) B=$1 ;;
	esac
	shift
done
[[ $rounds =~ ^[1-9][0-9]?$ && $seconds =~ ^[1-9][0-9]?$ ]] || usage

here=$(cd "$(dirname "$0")" && pwd)
B=$(realpath "$B")
peers=$B/peers
corpus=$B/peers-corpus
cache=$B/peers-cache
slow_share=192 # messages of slow domains for one filter in one round, three for each of 64 connections
slow_filters="rspamd chainmail-memory" # opendkim gives the key up, and closes its connections now and then
contestants="noop-answers noop-silent rspamd opendkim+opendmarc chainmail-memory chainmail-lmdb"

# Once; a corpus of another generator, or with too few slow domains, is made again.
make_corpus() {
	local slow=$((slow_share * 2 * rounds)) mark
	mark=$(cat "$here/peers/corpus.py" "$here/peers/keys/"* | sha256sum)
	[ "$(cat "$corpus/mark" 2>/dev/null)" = "$mark" ] && [ "$(wc -l <"$corpus/slow/index")" -ge "$slow" ] && return
	rm -rf "$corpus"
	echo "bench: making the corpus in $corpus" >&2
	/usr/bin/python3 "$here/peers/corpus.py" "$corpus" "$here/peers/keys" --slow "$slow" ||
		{ echo "bench: no corpus; is python3-dkim there, and python3-nacl? run: make deps" >&2; exit 1; }
	echo "$mark" >"$corpus/mark"
}

if [ -z "${PEERS_INSIDE-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "bench: peers.sh needs root: it makes namespaces and starts a Postfix" >&2; exit 1; }
	DEPS_LIST=$here/peers/packages sh "$here/../deps.sh" --unpack "$peers" peers || exit 1
	make_corpus
	mkdir -p "$cache"
	PEERS_INSIDE=yes exec unshare --net --mount --propagation private bash "$0" "${words[@]}"
fi

# shellcheck source-path=SCRIPTDIR
. "$here/lib.sh"
need chainmail plugins/dkim.so plugins/dmarc.so plugins/ratelimit.so plugins/spf.so tests/bench_crypto tests/hostile_dns tests/idle tests/load tests/noop
# shellcheck source-path=SCRIPTDIR
. "$here/peers/filters.sh"
# shellcheck source-path=SCRIPTDIR
. "$here/peers/postfix.sh"

# column FILTER: of peers/expected.
column() {
	case $1 in
	chainmail*) echo 2 ;;
	rspamd) echo 3 ;;
	opendkim*) echo 4 ;;
	*) echo 0 ;;
	esac
}

# play FILTER DIR OPTION...: figures go to $work/figures, outcomes to $work/outcomes.
play() {
	local filter=$1 dir=$2 name=${figures:-figures}
	shift 2
	timeout 120 "$B/tests/load" "${socket_of[$filter]}" ${then_of[$filter]+--then "${then_of[$filter]}"} --corpus "$dir" \
		--outcomes "$work/$name.outcomes" "$@" >"$work/$name" && return
	echo "bench: $filter: $(cat "$work/$name")" >&2
	tail -n 3 "$work/${filter%%+*}.log" >&2
	exit 1
}

# judge FILTER [NAME [words=1]]: every message of it must have come to what is expected.
judge() {
	local wrong
	wrong=$(awk -v column="$(column "$1")" -v "${3:-words=0}" -f "$here/peers/expected.awk" "$here/peers/expected" "$work/${2:-figures}.outcomes") && return
	echo "bench: $1 did not do what it should (tests/bench/peers/expected):" >&2
	echo "$wrong" >&2
	exit 1
}

# A login that sends 20 messages has a limit of 10: some must wait.
check_limit() {
	local waiting
	mkdir "$work/flood"
	ln -s "$corpus/mail" "$work/flood/mail"
	awk -F '\t' -v OFS='\t' '$6 == "submission" { $3 = "flood"; for (i = 0; i < 20; i++) print; exit }' \
		"$corpus/index" >"$work/flood/index"
	for filter in rspamd chainmail-memory chainmail-lmdb; do
		play "$filter" "$work/flood" --passes 1
		waiting=$(sed -n 's/^submission \([0-9]*\) tempfail$/\1/p' "$work/figures.outcomes")
		[[ ${waiting:-0} -ge 5 && ${waiting:-0} -le 12 ]] && continue
		echo "bench: of 20 messages of a login that may send 10, $filter let ${waiting:-0} wait" >&2
		tail -n 3 "$work/figures.outcomes" "$work/$filter.log" >&2
		exit 1
	done
}

# measure FILTER ROUND CONNECTIONS: a line for the table goes to $work/rows.
measure() {
	local before after
	before=$(tree_ticks "$1")
	play "$1" "$corpus" --connections "$3" --seconds "$seconds"
	after=$(tree_ticks "$1")
	judge "$1"
	echo "main $1 $2 $3 $(field messages_per_s) $((after - before)) $(field messages)" \
		"$(field p50_ms) $(field p95_ms) $(field p99_ms)" >>"$work/rows"
}

# measure_held FILTER: what 1,000 sessions that are held cost. Before any load, for memory that was used and given back
# would take them in; 200 sessions come and go first, for what a filter makes but once.
measure_held() {
	local before held=0 socket
	for socket in "${socket_of[$1]}" ${then_of[$1]+"${then_of[$1]}"}; do
		socket=${socket##*/}
		hold 200 "${socket%.sock}"
		release
		before=$(tree_memory "$1")
		hold 1000 "${socket%.sock}"
		held=$((held + $(tree_memory "$1") - before))
		release
	done
	echo "held $1 $held" >>"$work/rows"
}

# slow_dir NUMBER: a directory with the messages of slow domains that nobody has asked for yet; $work/slow.
slow_dir() {
	rm -rf "$work/slow"
	mkdir "$work/slow"
	ln -s "$corpus/slow/mail" "$work/slow/mail"
	tail -n +$(($1 * slow_share + 1)) "$corpus/slow/index" | head -n "$slow_share" >"$work/slow/index"
}

# measure_slow FILTER ROUND NUMBER: other mail over 64 connections, alone and beside 64 of slow domains.
measure_slow() {
	local alone beside slow
	sleep 1
	play "$1" "$corpus" --connections 64 --seconds "$seconds"
	alone=$(field messages_per_s)
	slow_dir "$3"
	(figures=slow.figures play "$1" "$work/slow" --connections 64 --passes 1) &
	slow=$!
	sleep 1
	play "$1" "$corpus" --connections 64 --seconds "$seconds"
	beside=$(field messages_per_s)
	judge "$1"
	wait "$slow" || exit 1
	judge "$1" slow.figures
	cp "$work/slow.figures" "$work/figures"
	echo "slow $1 $2 $alone $beside $(field p50_ms) $(field p99_ms)" >>"$work/rows"
}

say "starting the filters (rspamd compiles its patterns once, which takes a minute or two)"
start_all
say "held sessions"
for filter in $contestants; do
	measure_held "$filter"
done
say "what becomes of each class of messages"
for filter in $contestants; do
	play "$filter" "$corpus" --connections 16 --passes 1
	judge "$filter"
done
check_limit
postfix_begin

# crypto_round ROUND: the processor time that one message costs without any filter.
crypto_round() {
	"$B/tests/bench_crypto" "$corpus" 1 >"$work/figures" || exit 1
	echo "crypto $1 $(field cpu_us_per_message)" >>"$work/rows"
}

order=$contestants
for round in $(seq "$rounds"); do
	crypto_round "$round"
	for connections in 1 16 64; do
		say "round $round of $rounds: $connections connections"
		for filter in $order; do
			measure "$filter" "$round" "$connections"
		done
	done
	say "round $round of $rounds: behind Postfix"
	postfix_round "$round" "$order"
	say "round $round of $rounds: beside slow domains"
	dns_slow
	number=$(((round - 1) * 2))
	for filter in $slow_filters; do
		measure_slow "$filter" "$round" "$number"
		number=$((number + 1))
	done
	dns_fast
	# Who was first is last.
	order="${order#* } ${order%% *}"
done
for filter in $contestants; do
	echo "memory $filter $(tree_peak "$filter") $(tree_memory "$filter")" >>"$work/rows"
done

awk -v json="$json" -v rounds="$rounds" -v hz="$(getconf CLK_TCK)" -v filters="$contestants" -v slow_filters="$slow_filters" \
	-f "$here/median.awk" -f "$here/peers/table.awk" "$work/rows"
