# SPDX-License-Identifier: MIT
# table.awk - the rows of run.sh as a table of medians, or as JSON
#
# A row: connections filter round messages/s ticks messages p50 p99 longest.

function median(values, count,    i, k, v) {
	for (i = 2; i <= count; i++) {
		v = values[i]
		for (k = i - 1; k >= 1 && values[k] > v; k--)
			values[k + 1] = values[k]
		values[k + 1] = v
	}
	return count % 2 ? values[(count + 1) / 2] : (values[count / 2] + values[count / 2 + 1]) / 2
}

# The median of one figure of one filter over all rounds.
function middle(figure, connections, filter,    r, values) {
	for (r = 1; r <= rounds; r++)
		values[r] = figures[figure, connections, filter, r]
	return median(values, rounds)
}

# The median of the ratios Chainmail : no-op, round by round.
function ratio(figure, connections,    r, values) {
	for (r = 1; r <= rounds; r++)
		values[r] = figures[figure, connections, "chainmail", r] / figures[figure, connections, "noop", r]
	return median(values, rounds)
}

{
	figures["rate", $1, $2, $3] = $4
	# At least one tick: a run that used less cannot be told from one.
	figures["cpu", $1, $2, $3] = ($5 > 0 ? $5 : 1) / hz / $6 * 1000
	figures["p50", $1, $2, $3] = $7
	figures["p99", $1, $2, $3] = $8
	figures["longest", $1, $2, $3] = $9
	if (!($1 in seen)) {
		seen[$1] = 1
		levels[++count] = $1
	}
}

function print_row(c) {
	printf "| %d | %.0f | %.0f | **%.2f** | %.3f | %.3f | **%.2f** | %.2f | %.2f | %.0f | %.0f |\n", c,
		middle("rate", c, "chainmail"), middle("rate", c, "noop"), ratio("rate", c),
		middle("cpu", c, "chainmail"), middle("cpu", c, "noop"), ratio("cpu", c),
		middle("p99", c, "chainmail"), middle("p99", c, "noop"),
		middle("longest", c, "chainmail"), middle("longest", c, "noop")
}

function print_json_filter(c, filter) {
	printf "\"%s\": {\"messages_per_s\": %.1f, ", filter, middle("rate", c, filter)
	printf "\"cpu_ms_per_message\": %.4f, ", middle("cpu", c, filter)
	printf "\"p50_ms\": %.3f, \"p99_ms\": %.3f, ", middle("p50", c, filter), middle("p99", c, filter)
	printf "\"longest_command_ms\": %.3f}", middle("longest", c, filter)
}

function print_json(    i, c) {
	printf "{\"rounds\": %d, \"negotiation\": \"%s\", \"levels\": [", rounds, terms
	for (i = 1; i <= count; i++) {
		c = levels[i]
		printf "%s{\"connections\": %d, ", (i == 1 ? "" : ", "), c
		print_json_filter(c, "chainmail")
		printf ", "
		print_json_filter(c, "noop")
		printf ", \"throughput_ratio\": %.4f, \"cpu_ratio\": %.4f}", ratio("rate", c), ratio("cpu", c)
	}
	print "]}"
}

END {
	if (json) {
		print_json()
		exit
	}
	printf "Both negotiated: `%s`. Medians of %d rounds.\n\n", terms, rounds
	print "| connections | messages/s | no-op | ratio | CPU ms/message | no-op | ratio | p99 ms | no-op | longest command ms | no-op |"
	print "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
	for (i = 1; i <= count; i++)
		print_row(levels[i])
}
