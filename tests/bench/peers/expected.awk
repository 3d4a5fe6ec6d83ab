# SPDX-License-Identifier: MIT
# expected.awk - names what a filter did otherwise than peers/expected says; status 1 if there is anything
#
# Variables: column, of the filter; 0 for one that takes everything; words=1 compares only what the MTA did. Files: expected, then lines "CLASS COUNT OUTCOME".

FNR == NR {
	if ($0 !~ /^#/ && split($0, cells, / \| /) == 4)
		wanted[cells[1]] = column ? cells[column] : "taken"
	next
}

{
	class = $1
	count = $2
	sub(/^[^ ]+ [^ ]+ /, "")
	seen++
	if (words) {
		$0 = $1
		sub(/ .*/, "", wanted[class])
	}
	if (!(class in wanted) || $0 != wanted[class]) {
		printf "  %d of class %s: %s, wanted: %s\n", count, class, $0, wanted[class]
		wrong = 1
	}
}

END {
	exit wrong || !seen
}
