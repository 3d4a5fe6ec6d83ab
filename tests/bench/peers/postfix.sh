# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: MIT
# postfix.sh - the filters of peers.sh behind a real Postfix
#
# Sourced by peers.sh after all filters run. One private Postfix (that of the end-to-end tests) has a port for each filter and one
# without any, so they share everything else. Mail that was taken is thrown away by its transport "discard".

# shellcheck source-path=SCRIPTDIR source=../../e2e/lib.sh
. "$here/../e2e/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../e2e/mta.sh
. "$here/../e2e/mta.sh"

declare -A port_of
cleanup_jobs=()

postfix_end() {
	[ -z "${MTA_DIR-}" ] || mta_stop
	stop
}

# postfix_port NAME PORT: one more smtpd, with the filters of that contestant; "none" has none.
postfix_port() {
	local milters=${socket_of[$1]-}${then_of[$1]+,${then_of[$1]}}
	port_of[$1]=$2
	printf '127.0.0.1:%s inet n - n - - smtpd\n  -o smtpd_milters=%s\n' "$2" "$milters" >>"$MTA_DIR/conf/master.cf"
}

postfix_begin() {
	local name port
	mta_use postfix
	mkdir "$work/postfix"
	chmod 0755 "$work" "$work/postfix"
	trap postfix_end EXIT
	mta_make "$work/postfix"
	postconf -c "$MTA_DIR/conf" -e virtual_transport=discard: virtual_mailbox_maps=static:all \
		inet_protocols=all default_process_limit=200 milter_content_timeout=60s milter_command_timeout=60s
	port=20100
	for name in none $contestants; do
		postfix_port "$name" $((port += 1))
	done
	mta_start
}

# postfix_corpus NAME: messages per second of the corpus through 16 sessions go to $corpus_rate.
postfix_corpus() {
	timeout 60 "$B/tests/load" "smtp:${port_of[$1]}" --corpus "$corpus" --connections 16 --seconds "$seconds" \
		--outcomes "$work/figures.outcomes" >"$work/figures" 2>"$work/smtp.log" ||
		{ echo "bench: the corpus behind Postfix with $1: $(cat "$work/figures")" >&2; head -n 3 "$work/smtp.log" >&2
		mta_log warning | tail -n 3 >&2; exit 1; }
	judge "$1" figures words=1
	corpus_rate=$(field messages_per_s)
}

# postfix_source NAME: the same of one small message that this machine itself sends, which most checks leave alone; to
# $source_rate.
postfix_source() {
	local began ended messages=$((seconds * 200))
	began=$(date +%s%N)
	timeout 120 smtp-source -s 16 -m "$messages" -l 2000 -f ann@aligned-0-example.net -t user0@example.com \
		"127.0.0.1:${port_of[$1]}" || { echo "bench: smtp-source with $1 failed" >&2; exit 1; }
	ended=$(date +%s%N)
	source_rate=$((messages * 1000000000 / (ended - began)))
}

# What is queued would disturb the next.
postfix_round() {
	local name
	for name in none $2; do
		postfix_corpus "$name"
		postfix_source "$name"
		echo "postfix $name $1 $corpus_rate $source_rate" >>"$work/rows"
		mta_wait_delivered 60
	done
}
