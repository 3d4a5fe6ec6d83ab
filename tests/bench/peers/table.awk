# SPDX-License-Identifier: MIT
# table.awk - the rows of peers.sh as tables of medians, or as JSON
#
# Rows:  main FILTER ROUND CONNECTIONS messages/s ticks messages p50 p95 p99
#        held FILTER KB-of-1,000-sessions
#        memory FILTER peak pss
#        postfix FILTER ROUND corpus/s smtp-source/s
#        slow FILTER ROUND alone/s beside/s p50 p99
#        crypto ROUND us
#
# The limit is the filter that does nothing and asks for no replies, with one RSA verification and SHA-256 of the octets.

$1 == "main" {
	key = $2 SUBSEP $4 SUBSEP $3
	figures["rate", key] = $5
	figures["cpu", key] = $6 / hz / $7 * 1000
	figures["p50", key] = $8
	figures["p95", key] = $9
	figures["p99", key] = $10
}

$1 == "crypto" {
	crypto[$2] = $3 / 1000
}

$1 == "memory" {
	peak[$2] = $3 / 1024
	pss[$2] = $4 / 1024
}

$1 == "held" {
	held[$2] = $3 / 1000
}

$1 == "postfix" {
	figures["corpus", $2, 16, $3] = $4
	figures["source", $2, 16, $3] = $5
}

$1 == "slow" {
	figures["alone", $2, 64, $3] = $4
	figures["beside", $2, 64, $3] = $5
	figures["slow50", $2, 64, $3] = $6
	figures["slow99", $2, 64, $3] = $7
}

function middle(figure, filter, connections,    r, values) {
	for (r = 1; r <= rounds; r++)
		values[r] = figures[figure, filter, connections, r]
	return median(values, rounds)
}

# "median (least to greatest)" of the ratios of the rounds: what one filter has of a figure, by what another has of one.
function ratio_of(figure, filter, to_figure, to, connections,    r, v, values, least, greatest) {
	for (r = 1; r <= rounds; r++) {
		v = figures[figure, filter, connections, r] / figures[to_figure, to, connections, r]
		if (r == 1 || v < least)
			least = v
		if (r == 1 || v > greatest)
			greatest = v
		values[r] = v
	}
	middle_ratio = median(values, rounds)
	return sprintf("**%.2f** (%.2f to %.2f)", middle_ratio, least, greatest)
}

function ratio(figure, filter, to, connections) {
	return ratio_of(figure, filter, figure, to, connections)
}

function print_main(    i, k, f, c) {
	print "| connections | filter | messages/s | of rspamd's | p50 ms | p95 ms | p99 ms | CPU s per 1,000 | of rspamd's |"
	print "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
	for (k = 1; k <= 3; k++)
		for (i = 1; i <= filter_count; i++) {
			f = filter[i]
			c = width[k]
			printf "| %d | %s | %.0f | %s | %.1f | %.1f | %.1f | %.3f | %s |\n", c, f, middle("rate", f, c),
				ratio("rate", f, "rspamd", c), middle("p50", f, c), middle("p95", f, c), middle("p99", f, c),
				middle("cpu", f, c), ratio("cpu", f, "rspamd", c)
		}
	print ""
}

# Of each round: the figure "limit" of a filter is that of all, so that ratios can be made.
function set_limits(    i, k, r) {
	for (i = 1; i <= filter_count; i++)
		for (k = 1; k <= 3; k++)
			for (r = 1; r <= rounds; r++)
				figures["limit", filter[i], width[k], r] = figures["cpu", "noop-silent", width[k], r] + crypto[r]
}

function is_ours(f) {
	return f ~ /^chainmail/
}

function print_limit(    i, k, f) {
	print "| connections | filter | CPU s per 1,000 | the limit | of the limit |"
	print "| --- | --- | --- | --- | --- |"
	for (k = 1; k <= 3; k++)
		for (i = 1; i <= filter_count; i++) {
			f = filter[i]
			if (is_ours(f))
				printf "| %d | %s | %.3f | %.3f | %s |\n", width[k], f, middle("cpu", f, width[k]),
					middle("limit", f, width[k]), ratio_of("cpu", f, "limit", f, width[k])
		}
	print ""
}

function json_limit(f,    k, text) {
	for (k = 1; k <= 3; k++) {
		ratio_of("cpu", f, "limit", f, width[k])
		text = text sprintf("%s%.4f", k == 1 ? "" : ", ", middle_ratio)
	}
	return text
}

function print_memory(    i, f) {
	print "| filter | peak MB, all processes | MB at the end, shared pages once | KB per held session |"
	print "| --- | --- | --- | --- |"
	for (i = 1; i <= filter_count; i++) {
		f = filter[i]
		printf "| %s | %.1f | %.1f | %.1f |\n", f, peak[f], pss[f], held[f]
	}
	print ""
}

function print_postfix(    i, f) {
	print "| behind Postfix, 16 sessions | corpus, messages/s | of Postfix alone | smtp-source, messages/s | of Postfix alone |"
	print "| --- | --- | --- | --- | --- |"
	printf "| no filter | %.0f | | %.0f | |\n", middle("corpus", "none", 16), middle("source", "none", 16)
	for (i = 1; i <= filter_count; i++) {
		f = filter[i]
		printf "| %s | %.0f | %s | %.0f | %s |\n", f, middle("corpus", f, 16), ratio("corpus", f, "none", 16),
			middle("source", f, 16), ratio("source", f, "none", 16)
	}
	print ""
}

function print_slow(    i, f, count, names) {
	print "| 64 connections | messages/s | beside 64 of slow domains | kept | slow mail p50 ms | p99 ms |"
	print "| --- | --- | --- | --- | --- | --- |"
	count = split(slow_filters, names, " ")
	for (i = 1; i <= count; i++) {
		f = names[i]
		printf "| %s | %.0f | %.0f | %s | %.0f | %.0f |\n", f, middle("alone", f, 64), middle("beside", f, 64),
			ratio_of("beside", f, "alone", f, 64), middle("slow50", f, 64), middle("slow99", f, 64)
	}
}

function json_widths(f,    k, c, text) {
	for (k = 1; k <= 3; k++) {
		c = width[k]
		text = text sprintf("%s{\"connections\": %d, \"messages_per_s\": %.1f, \"cpu_s_per_1000\": %.4f, \"p50_ms\": %.3f, \"p95_ms\": %.3f, \"p99_ms\": %.3f}",
			(k == 1 ? "" : ", "), c, middle("rate", f, c), middle("cpu", f, c), middle("p50", f, c), middle("p95", f, c), middle("p99", f, c))
	}
	return text
}

function json_postfix(f,    text) {
	text = sprintf("\"corpus_per_s\": %.1f, \"source_per_s\": %.1f", middle("corpus", f, 16), middle("source", f, 16))
	ratio("corpus", f, "none", 16)
	text = text sprintf(", \"corpus_ratio\": %.4f", middle_ratio)
	ratio("source", f, "none", 16)
	return text sprintf(", \"source_ratio\": %.4f", middle_ratio)
}

function json_slow(f) {
	if (index(" " slow_filters " ", " " f " ") == 0)
		return "null"
	ratio_of("beside", f, "alone", f, 64)
	return sprintf("{\"alone_per_s\": %.1f, \"beside_per_s\": %.1f, \"kept\": %.4f, \"slow_p50_ms\": %.1f, \"slow_p99_ms\": %.1f}",
		middle("alone", f, 64), middle("beside", f, 64), middle_ratio, middle("slow50", f, 64), middle("slow99", f, 64))
}

function print_json(    i, f) {
	printf "{\"rounds\": %d, \"postfix\": {%s}, \"filters\": {", rounds, json_postfix("none")
	for (i = 1; i <= filter_count; i++) {
		f = filter[i]
		printf "%s\"%s\": {\"widths\": [%s], \"peak_kb\": %d, \"pss_kb\": %d, \"held_session_kb\": %.2f, \"postfix\": {%s}, \"slow\": %s, \"of_limit\": [%s]}",
			(i == 1 ? "" : ", "), f, json_widths(f), peak[f] * 1024, pss[f] * 1024, held[f], json_postfix(f), json_slow(f), json_limit(f)
	}
	print "}}"
}

END {
	split("1 16 64", width, " ")
	filter_count = split(filters, filter, " ")
	set_limits()
	if (json) {
		print_json()
		exit
	}
	printf "Medians of %d rounds; in brackets the least and the greatest ratio.\n\n", rounds
	print_main()
	print_limit()
	print_memory()
	print_postfix()
	print_slow()
}
