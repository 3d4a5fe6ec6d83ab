# SPDX-License-Identifier: MIT
# state.awk - the rows of state.sh as tables of medians, or as JSON
#
# A row: scene filter round messages/s ticks messages p50 p99 longest.

{
	figures["rate", $1, $2, $3] = $4
	figures["cpu", $1, $2, $3] = $5 / hz / $6 * 1000
	figures["p50", $1, $2, $3] = $7
	figures["p99", $1, $2, $3] = $8
	figures["longest", $1, $2, $3] = $9
}

function middle(figure, scene, filter,    r, values) {
	for (r = 1; r <= rounds; r++)
		values[r] = figures[figure, scene, filter, r]
	return median(values, rounds)
}

# Of each round, sorted.
function ratios(figure, scene, filter, values,    r, k, v) {
	for (r = 1; r <= rounds; r++) {
		v = figures[figure, scene, filter, r] / figures[figure, scene, "without", r]
		for (k = r - 1; k >= 1 && values[k] > v; k--)
			values[k + 1] = values[k]
		values[k + 1] = v
	}
}

function ratio_text(figure, scene, filter,    values) {
	if (filter == "without")
		return ""
	ratios(figure, scene, filter, values)
	return sprintf("**%.2f** (%.2f to %.2f)", median(values, rounds), values[1], values[rounds])
}

function print_scene(scene, title,    i) {
	printf "%s\n\n", title
	print "| store | messages/s | ratio | CPU ms/message | ratio | p50 ms | p99 ms | longest command ms |"
	print "| --- | --- | --- | --- | --- | --- | --- | --- |"
	for (i = 1; i <= count; i++)
		printf "| %s | %.0f | %s | %.4f | %s | %.2f | %.2f | %.0f |\n",
			names[i] == "without" ? "no such links" : names[i], middle("rate", scene, names[i]),
			ratio_text("rate", scene, names[i]), middle("cpu", scene, names[i]), ratio_text("cpu", scene, names[i]),
			middle("p50", scene, names[i]), middle("p99", scene, names[i]), middle("longest", scene, names[i])
	print ""
}

function json_ratio(figure, scene, filter,    values) {
	ratios(figure, scene, filter, values)
	return sprintf("[%.4f, %.4f, %.4f]", values[1], median(values, rounds), values[rounds])
}

function json_scene(scene,    i, text) {
	for (i = 1; i <= count; i++)
		text = text sprintf("%s\"%s\": {\"messages_per_s\": %.1f, \"throughput_ratio\": %s, \"cpu_ms_per_message\": %.4f, " \
			"\"cpu_ratio\": %s, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"longest_command_ms\": %.3f}", i == 1 ? "" : ", ",
			names[i], middle("rate", scene, names[i]), json_ratio("rate", scene, names[i]),
			middle("cpu", scene, names[i]), json_ratio("cpu", scene, names[i]), middle("p50", scene, names[i]),
			middle("p99", scene, names[i]), middle("longest", scene, names[i]))
	return text
}

END {
	count = split(filters, names, " ")
	if (json) {
		printf "{\"rounds\": %d, \"connections\": %d, \"known\": {%s}, \"new\": {%s}}\n", rounds, connections,
			json_scene("known"), json_scene("new")
		exit
	}
	printf "Rate limit and greylist: medians of %d rounds, %d connections (in brackets the least and the greatest).\n\n", rounds,
		connections
	print_scene("known", "Known triples:")
	print_scene("new", "Triples that were never seen, which must wait:")
}
