# SPDX-License-Identifier: MIT
# record.awk - the rows of record.sh as a table of medians, or as JSON
#
# A row: scene filter round messages/s ticks messages p50 p99 longest.

{
	figures["rate", $2, $3] = $4
	figures["cpu", $2, $3] = $5 / hz / $6 * 1000
	figures["p99", $2, $3] = $8
}

function middle(figure, filter,    r, values) {
	for (r = 1; r <= rounds; r++)
		values[r] = figures[figure, filter, r]
	return median(values, rounds)
}

function ratio(figure, filter,    r, values) {
	for (r = 1; r <= rounds; r++)
		values[r] = figures[figure, "without", r] > 0 ? figures[figure, filter, r] / figures[figure, "without", r] : 0
	return median(values, rounds)
}

END {
	count = split(filters, names, " ")
	titles["without"] = "nothing"
	titles["sessions"] = "sessions"
	titles["bodies"] = "sessions and bodies"
	if (!json) {
		printf "What is kept: medians of %d rounds, %d connections.\n\n", rounds, connections
		print "| kept | messages/s | ratio | CPU ms/message | ratio | p99 ms |"
		print "| --- | --- | --- | --- | --- | --- |"
	}
	for (i = 1; i <= count; i++) {
		f = names[i]
		if (json)
			text = text sprintf("%s\"%s\": {\"messages_per_s\": %.1f, \"throughput_ratio\": %.4f, " \
				"\"cpu_ms_per_message\": %.4f, \"cpu_ratio\": %.4f, \"p99_ms\": %.3f}", i == 1 ? "" : ", ", f,
				middle("rate", f), ratio("rate", f), middle("cpu", f), ratio("cpu", f), middle("p99", f))
		else
			printf "| %s | %.0f | %.3f | %.4f | %.3f | %.2f |\n", titles[f], middle("rate", f), ratio("rate", f),
				middle("cpu", f), ratio("cpu", f), middle("p99", f)
	}
	if (json)
		printf "{\"rounds\": %d, \"connections\": %d, %s}\n", rounds, connections, text
}
