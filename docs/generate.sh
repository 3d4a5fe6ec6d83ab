#!/bin/sh
# SPDX-License-Identifier: MIT
#
# generate.sh [--check] [BUILD] - write what the binary knows into the documents
#
# Option tables, the chapter on the Lua API and the editor files are printed by the tables that the
# daemon itself runs on. Without --check each part is put in its place; with --check nothing is
# changed and a part that differs is named, with exit status 1.
set -eu

check=
[ "${1:-}" != --check ] || { check=yes && shift; }
cd "$(dirname "$0")/.."
binary=${1:-build}/chainmail
[ -x "$binary" ] || { echo "generate: no $binary; run: make all" >&2 && exit 1; }

# FILE PART COMMAND: the part stands between two marker comments; "-" is the whole file.
parts() {
	cat <<-END
		.luacheckrc           -         chainmail lua luacheck
		docs/CONFIG.md        options   chainmail config markdown
		docs/PLUGINS.md       skeleton  fenced c docs/skeleton.c
		docs/RULES.md         api       chainmail lua markdown
		docs/RULES.md         tests     chainmail lua tests
		docs/chainmail-lua.7  api       chainmail lua man
		docs/chainmail.d.lua  -         chainmail lua luals
		docs/filter.conf.5    options   chainmail config man
	END
}

chainmail() {
	"$binary" "$@"
}

# fenced LANGUAGE FILE: the file as a block of Markdown.
fenced() {
	printf '```%s\n' "$1"
	cat "$2"
	printf '```\n'
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# splice FILE PART: FILE with $work/text between its markers "generated: PART" and "end: PART".
splice() {
	awk -v part="$2" -v text="$work/text" '
		/^(<!--|\.\\") end: / && $3 == part { inside = 0; ends++ }
		!inside { print }
		/^(<!--|\.\\") generated: / && $3 == part {
			inside = 1
			begins++
			while ((getline line < text) > 0)
				print line
		}
		END { exit !(begins == 1 && ends == 1 && !inside) }' "$1"
}

# make_part FILE PART COMMAND...: what FILE should be, in $work/new.
make_part() {
	file=$1 part=$2
	shift 2
	"$@" >"$work/text"
	[ -s "$work/text" ] || { echo "generate: $* printed nothing" >&2 && return 1; }
	if [ "$part" = - ]; then
		cp "$work/text" "$work/new"
	elif ! splice "$file" "$part" >"$work/new"; then
		echo "generate: $file: want one pair of markers \"generated: $part\", \"end: $part\"" >&2
		return 1
	fi
}

drifted=0
parts >"$work/parts"
while read -r file part command; do
	# shellcheck disable=SC2086
	make_part "$file" "$part" $command
	cmp -s "$work/new" "$file" && continue
	if [ -n "$check" ]; then
		echo "$file: differs from what \"$command\" prints; run: make docs" >&2
		drifted=1
	else
		cat "$work/new" >"$file"
		echo "wrote $file"
	fi
done <"$work/parts"
exit "$drifted"
