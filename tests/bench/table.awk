# SPDX-License-Identifier: MIT
# table.awk - the rows of run.sh as tables of medians, or as JSON
#
# A row: scene level filter round messages/s ticks messages p50 p99 longest; or: memory count kilobytes.

# The median of one figure of one filter over all rounds.
function middle(figure, scene, level, filter,    r, values) {
	for (r = 1; r <= rounds; r++)
		values[r] = figures[figure, scene, level, filter, r]
	return median(values, rounds)
}

# The median of the ratios of two measurements, round by round.
function ratio(figure, scene, level, filter, to_scene, to_level, to_filter,    r, values) {
	for (r = 1; r <= rounds; r++)
		values[r] = figures[figure, scene, level, filter, r] / figures[figure, to_scene, to_level, to_filter, r]
	return median(values, rounds)
}

$1 == "memory" {
	# Of the first round: a process keeps what it once had.
	if (!($2 in memory))
		memory[$2] = $3
	next
}

{
	figures["rate", $1, $2, $3, $4] = $5
	# At least one tick: a run that used less cannot be told from one.
	figures["cpu", $1, $2, $3, $4] = ($6 > 0 ? $6 : 1) / hz / $7 * 1000
	figures["p50", $1, $2, $3, $4] = $8
	figures["p99", $1, $2, $3, $4] = $9
	figures["longest", $1, $2, $3, $4] = $10
}

function vs_noop(figure, scene, level) {
	return ratio(figure, scene, level, "chainmail", scene, level, "noop")
}

function print_pair(scene, c) {
	printf "| %d | %.0f | %.0f | **%.2f** | %.3f | %.3f | **%.2f** | %.2f | %.2f | %.2f | %.2f | %.0f | %.0f |\n", c,
		middle("rate", scene, c, "chainmail"), middle("rate", scene, c, "noop"), vs_noop("rate", scene, c),
		middle("cpu", scene, c, "chainmail"), middle("cpu", scene, c, "noop"), vs_noop("cpu", scene, c),
		middle("p50", scene, c, "chainmail"), middle("p50", scene, c, "noop"),
		middle("p99", scene, c, "chainmail"), middle("p99", scene, c, "noop"),
		middle("longest", scene, c, "chainmail"), middle("longest", scene, c, "noop")
}

function print_scene(scene, title,    i) {
	printf "%s\n\n", title
	print "| connections | messages/s | no-op | ratio | CPU ms/message | no-op | ratio | p50 ms | no-op | p99 ms | no-op | longest command ms | no-op |"
	print "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
	for (i = 1; i <= 4; i++)
		print_pair(scene, widths[i])
	print ""
}

function print_idle(    i, c) {
	print "16 busy connections beside idle ones, no link:\n"
	print "| idle connections | messages/s | of those without idle ones | longest command ms | memory MB above the empty daemon |"
	print "| --- | --- | --- | --- | --- |"
	for (i = 1; i <= 3; i++) {
		c = idles[i]
		printf "| %d | %.0f | **%.2f** | %.0f | %.1f |\n", c, middle("rate", "idle", c, "chainmail"),
			ratio("rate", "idle", c, "chainmail", "idle", 0, "chainmail"),
			middle("longest", "idle", c, "chainmail"), memory[c] / 1024
	}
	print ""
}

function json_filter(scene, c, filter) {
	return sprintf("\"%s\": {\"messages_per_s\": %.1f, \"cpu_ms_per_message\": %.4f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"longest_command_ms\": %.3f}",
		filter, middle("rate", scene, c, filter), middle("cpu", scene, c, filter), middle("p50", scene, c, filter),
		middle("p99", scene, c, filter), middle("longest", scene, c, filter))
}

function json_scene(scene,    i, c, text) {
	for (i = 1; i <= 4; i++) {
		c = widths[i]
		text = text sprintf("%s{\"connections\": %d, %s, %s, \"throughput_ratio\": %.4f, \"cpu_ratio\": %.4f}", (i == 1 ? "" : ", "), c,
			json_filter(scene, c, "chainmail"), json_filter(scene, c, "noop"), vs_noop("rate", scene, c), vs_noop("cpu", scene, c))
	}
	return text
}

function json_idle(    i, c, text) {
	for (i = 1; i <= 3; i++) {
		c = idles[i]
		text = text sprintf("%s{\"idle\": %d, %s, \"throughput_ratio\": %.4f, \"memory_kb\": %d}", (i == 1 ? "" : ", "), c,
			json_filter("idle", c, "chainmail"), ratio("rate", "idle", c, "chainmail", "idle", 0, "chainmail"), memory[c])
	}
	return text
}

END {
	split("1 16 64 256", widths, " ")
	split("0 1000 10000", idles, " ")
	if (json) {
		printf "{\"rounds\": %d, \"negotiation\": \"%s\", \"noop_chain\": [%s], \"three_links\": [%s], \"idle\": [%s], \"burst\": %s, \"waiting\": %s}\n",
			rounds, terms, json_scene("noop-chain"), json_scene("three-links"), json_idle(), burst, waiting
		exit
	}
	printf "Medians of %d rounds. With three links both negotiated `%s`.\n\n", rounds, terms
	print_scene("noop-chain", "No link:")
	print_scene("three-links", "Three links:")
	print_idle()
	printf "Burst: `%s`\n\n", burst
	printf "Waiting in a rule: `%s`\n", waiting
}
