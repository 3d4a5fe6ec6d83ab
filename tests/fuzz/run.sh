#!/bin/sh
# run.sh BUILD SECONDS TARGET... - run each fuzz target on its kept corpus, and on for a bounded time
# run.sh --merge BUILD TARGET... - add to the kept corpus what earlier runs found and it does not cover
#
# New inputs go to BUILD/corpus and stay there until they are merged; one that breaks a target is kept beside it
# and named. The kept corpus runs whole and first: with 0 seconds nothing else does.
set -u

one=
merge=
[ "$1" = --one ] && one=yes && shift
[ "$1" = --merge ] && merge=yes && shift
build=$1
seconds=0
[ -n "$merge" ] || { seconds=$2 && shift; }
shift
here=$(dirname "$0")

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

# One of many, whose output stands together.
if [ -n "$one" ]; then
	target=$1
	seeds=$here/corpus/$target
	found=$build/corpus/$target
	mkdir -p "$found" "$seeds"
	log=$found.log
	if run >"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "fuzz: $target, $(find "$seeds" -type f | wc -l) kept inputs, ${seconds}s, ${runs:-0} runs"
		echo >>"$FUZZ_PASSED"
	else
		flock "$FUZZ_PASSED" tail -n 40 "$log"
		echo "fuzz: $target failed; the input is $found-*" >&2
	fi
	exit 0
fi

# As many at once as there are cores.
FUZZ_PASSED=$(mktemp) || exit 1
export FUZZ_PASSED
trap 'rm -f "$FUZZ_PASSED"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 sh "$0" --one ${merge:+--merge} "$build" \
	$([ -n "$merge" ] || echo "$seconds")
passed=$(wc -l <"$FUZZ_PASSED")
failed=$(($# - passed))
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
