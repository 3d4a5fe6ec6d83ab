#!/bin/sh
# run.sh BUILD SECONDS TARGET... - run each fuzz target for a bounded time on its kept corpus
#
# New inputs go to BUILD/corpus; one that breaks a target is kept beside it and named.
set -u

build=$1
seconds=$2
shift 2
here=$(dirname "$0")
failed=0
passed=0
for target in "$@"; do
	seeds=$here/corpus/$target
	found=$build/corpus/$target
	mkdir -p "$found" "$seeds"
	echo "fuzz: $target for ${seconds}s"
	log=$found.log
	if "$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
		-max_len=65536 -artifact_prefix="$found-" -print_final_stats=1 "$found" "$seeds" \
		>"$log" 2>&1; then
		sed -n 's/^stat::number_of_executed_units: */fuzz: '"$target"' runs /p' "$log"
		passed=$((passed + 1))
	else
		tail -n 40 "$log"
		echo "fuzz: $target failed; the input is $found-*" >&2
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
