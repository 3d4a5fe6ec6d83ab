# SPDX-License-Identifier: MIT
# dns.awk - the rows of dns.sh as a table of medians, or as JSON
#
# A row: scene round messages/s p50 p99, and where CPU is measured ticks messages.

{
	rate[$1, $2] = $3
	p50[$1, $2] = $4
	p99[$1, $2] = $5
	cpu[$1, $2] = NF > 5 ? $6 / hz / $7 * 1000 : 0
}

function middle(figures, scene,    r, values) {
	for (r = 1; r <= rounds; r++)
		values[r] = figures[scene, r]
	return median(values, rounds)
}

# The median of what the slow ones change, round by round.
function ratio(figures,    r, values) {
	for (r = 1; r <= rounds; r++)
		values[r] = figures["beside", r] / figures["alone", r]
	return median(values, rounds)
}

# With the ratios of a scene that has any.
function row(title, scene, ratios,    i, text) {
	for (i = 1; i <= 3; i++)
		text[i] = ratios ? sprintf("**%.2f**", i == 1 ? ratio(rate) : i == 2 ? ratio(p50) : ratio(cpu)) : ""
	printf "| %s | %.0f | %s | %.2f | %s | %.2f | %s | %s |\n", title, middle(rate, scene), text[1], middle(p50, scene),
		text[2], middle(p99, scene), scene == "slow" ? "" : sprintf("%.4f", middle(cpu, scene)), text[3]
}

END {
	if (json) {
		printf "{\"rounds\": %d, \"connections\": %d, \"throughput_ratio\": %.4f, \"p50_ratio\": %.4f, \"cpu_ratio\": %.4f, " \
			"\"alone_per_s\": %.1f, \"beside_per_s\": %.1f, \"slow_per_s\": %.1f, \"slow_p50_ms\": %.1f, " \
			"\"without_silent\": %s, \"with_silent\": %s, \"known\": %s}\n", rounds, connections, ratio(rate),
			ratio(p50), ratio(cpu), middle(rate, "alone"), middle(rate, "beside"), middle(rate, "slow"), middle(p50, "slow"),
			alone, silent, known
		exit
	}
	printf "Medians of %d rounds, %d connections each.\n\n", rounds, connections
	print "| senders' domains | messages/s | ratio | p50 ms | ratio | p99 ms | CPU ms/message | ratio |"
	print "| --- | --- | --- | --- | --- | --- | --- | --- |"
	row("answered at once, alone", "alone")
	row("answered at once, beside slow ones", "beside", 1)
	row("answered after 2 s", "slow")
	printf "\nWithout silent names: `%s`\n\nWith them: `%s`\n\nKnown: `%s`\n", alone, silent, known
}
