#!/bin/sh
# run.sh BUILD SECONDS TARGET... - run each fuzz target on its kept corpus, and on for a bounded time
# run.sh --merge BUILD TARGET... - add to the kept corpus what earlier runs found and it does not cover
#
# New inputs go to BUILD/corpus and stay there until they are merged; one that breaks a target is kept beside it
# and named. The kept corpus runs whole and first: with 0 seconds nothing else does.
set -u

merge=
[ "$1" = --merge ] && merge=yes && shift
build=$1
seconds=0
[ -n "$merge" ] || { seconds=$2 && shift; }
shift
here=$(dirname "$0")
failed=0
passed=0

# Longer inputs say nothing new, and cost the time of many shorter ones.
longest() {
	case $1 in
	address | arc | auth_results | header | json | lpeg | mime | re | reply | url) echo 4096 ;;
	conf | dkim) echo 1024 ;;
	milter | ole | zip) echo 2048 ;;
	control | dns_answer | lists | packet | taglist | typed) echo 512 ;;
	unit | zone) echo 256 ;;
	*) echo 16384 ;;
	esac
}

# Whether leaks are looked for after each run, or at the end alone: Lua frees when it likes, so that nearly each run
# of a rule looks like one, and looking takes longer than ten runs.
leaks_each_run() {
	case $1 in
	json | lpeg | re) echo 0 ;;
	*) echo 1 ;;
	esac
}

run() {
	binary=$build/tests/fuzz/fuzz_$target
	[ -z "$merge" ] || {
		"$binary" -merge=1 "$seeds" "$found"
		return
	}
	leaks=-detect_leaks=$(leaks_each_run "$target")
	"$binary" -runs=0 "$leaks" -timeout=10 -artifact_prefix="$found-" "$seeds" || return
	[ "$seconds" = 0 ] || "$binary" -max_total_time="$seconds" "$leaks" -timeout=10 -rss_limit_mb=2048 \
		-max_len="$(longest "$target")" -artifact_prefix="$found-" -print_final_stats=1 "$found" "$seeds"
}

for target in "$@"; do
	seeds=$here/corpus/$target
	found=$build/corpus/$target
	mkdir -p "$found" "$seeds"
	log=$found.log
	if run >"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "fuzz: $target, $(find "$seeds" -type f | wc -l) kept inputs, ${seconds}s, ${runs:-0} runs"
		passed=$((passed + 1))
	else
		tail -n 40 "$log"
		echo "fuzz: $target failed; the input is $found-*" >&2
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
