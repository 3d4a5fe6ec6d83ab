# SPDX-License-Identifier: MIT
# median.awk - what all tables of the benchmarks need

function median(values, count,    i, k, v) {
	for (i = 2; i <= count; i++) {
		v = values[i]
		for (k = i - 1; k >= 1 && values[k] > v; k--)
			values[k + 1] = values[k]
		values[k + 1] = v
	}
	return count % 2 ? values[(count + 1) / 2] : (values[count / 2] + values[count / 2 + 1]) / 2
}
