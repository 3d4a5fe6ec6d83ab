#!/bin/sh
# lint.sh - what the compiler cannot check: rooms, sizes, headers, forbidden words
#
# Each rule is one function that prints its findings; any finding fails the run.
set -u

cd "$(dirname "$0")/.." || exit 1
findings=$(mktemp)
trap 'rm -f "$findings"' EXIT
trap 'exit 1' INT TERM HUP

ROOMS="base conf mail service chain host door admin cli"

rank() {
	n=0
	for room in $ROOMS; do
		n=$((n + 1))
		[ "$room" = "$1" ] && echo "$n" && return
	done
	echo 0
}

# A room includes itself and the rooms below it (docs/ARCHITECTURE.md).
upward_includes() {
	for room in $ROOMS; do
		mine=$(rank "$room")
		grep -n '^#include "[a-z]*/' core/"$room"/*.[ch] 2>/dev/null |
			sed 's/^\([^:]*:[0-9]*\):#include "\([a-z]*\)\/.*/\1 \2/' |
			while read -r place other; do
				# What plugins share has keys of DKIM, which commands make and check.
				[ "$room/$other" = cli/lib ] && [ "${place#core/cli/dkim}" != "$place" ] && continue
				theirs=$(rank "$other")
				[ "$theirs" -gt 0 ] && [ "$theirs" -le "$mine" ] ||
					echo "$place: $room must not include $other"
			done
	done
}

# only PATTERN FILES WHY: the pattern stands in no other file of core and plugins.
only() {
	grep -rnE "$1" core plugins --include='*.[ch]' | grep -vE "^($2)" | sed "s|\$|   <- $3|"
}

walls() {
	only '\<smfi_[a-z]+\(' 'core/door/milter_libmilter[a-z_]*\.c:' 'only the libmilter engine calls libmilter'
	only '#include <(lua|lauxlib|lualib)' 'core/host/script' 'only host/script* includes Lua'
	only '#include <unbound' 'core/service/resolver[a-z_]*\.c:' 'only service/resolver* includes libunbound'
	only '#include <lua-lpeg' 'core/host/script_lpeg\.c:' 'only script_lpeg.c includes LPeg'
	only '#include <pcre2' 'core/host/script_re\.c:' 'only script_re.c includes PCRE2'
	only '#include <maxminddb' 'core/service/geo\.c:' 'only geo.c includes libmaxminddb'
	only '#include <hiredis' 'core/service/store_redis[a-z_]*\.[ch]:' 'only service/store_redis* includes hiredis'
	only '#include <lmdb' 'core/service/store_lmdb[a-z_]*\.[ch]:' 'only service/store_lmdb* includes LMDB'
	only '#include <opendkim/' 'plugins/dkim/dkim_opendkim\.c:' 'only dkim_opendkim.c includes libopendkim'
	only '#include <openssl/' 'plugins/lib/[a-z0-9_]*\.c:' 'only plugins/lib includes OpenSSL'
	only '#include <libpsl' 'plugins/dmarc/dmarc_psl\.c:' 'only dmarc_psl.c includes libpsl'
	only '#include <idn2' 'plugins/lib/idn\.c:' 'only plugins/lib/idn.c includes libidn2'
	only '#include (<gmime|"mime_gmime)' 'core/service/mime_(field\.c|gmime\.[ch]):' 'only mime_field.c uses GMime'
	only '#include <minizip' 'core/service/office_zip\.c:' 'only office_zip.c includes minizip'
	only '#include <zlib' 'core/cli/dmarc\.c:' 'only cli/dmarc.c includes zlib'
	only '#include <spf2/' 'plugins/spf/spf_lib\.c:' 'only spf_lib.c includes libspf2'
	only '\<dlopen\(' 'core/(host/plugin|service/mime_gmime)\.c:' 'only host/plugin.c and mime_gmime.c call dlopen'
	only '\<(clock_gettime|gettimeofday|time)\(' 'core/base/clock\.c:' 'the time is read in base/clock.c'
	grep -nE '^#include "' core/host/script_api*.c | grep -vE '"script_[a-z_]+\.h"' |
		sed 's/$/   <- sees only the public header/'
	# A plugin's own headers are in a directory of its name and begin with it; those of lib are everybody's.
	grep -rnE '^#include "' plugins |
		grep -vE '^plugins/([a-z0-9_]+)(\.c|/[a-z0-9_]+\.[ch]):[0-9]+:#include "(\1/)?\1[a-z0-9_]*\.h"' |
		grep -vE '^plugins/([a-z0-9_]+\.c:[0-9]+:#include "lib/|[a-z0-9_]+/[a-z0-9_]+\.[ch]:[0-9]+:#include "\.\./lib/)[a-z0-9_]+\.h"' |
		grep -vE '^plugins/lib/[a-z0-9_]+\.[ch]:[0-9]+:#include "[a-z0-9_]+\.h"' |
		sed 's/$/   <- sees only the public header, its own, and those of lib/'
	grep -rnE '^#include "' include | sed 's/$/   <- the public header includes nothing of ours/'
}

# The public header is one file, however much it says.
sizes() {
	find core plugins include -name '*.[ch]' -exec awk '
		FNR == 1 { start = 0 }
		/^\{/ { start = FNR }
		/^\}/ && start { n = FNR - start; if (n > 60) printf "%s:%d: function of %d lines (at most 60)\n", FILENAME, start, n; start = 0 }
		END { if (FNR > 500 && FILENAME !~ /^include/) printf "%s: %d lines (at most 500)\n", FILENAME, FNR }' {} \;
}

# The skeleton is shown whole in docs/PLUGINS.md: what a first plugin needs and no more.
skeleton() {
	lines=$(wc -l <docs/skeleton.c)
	[ "$lines" -le 48 ] || echo "docs/skeleton.c: $lines lines (at most 48)"
}

openings() {
	find core plugins include tests docs -name '*.[ch]' | while read -r file; do
		head -n 1 "$file" | grep -q 'SPDX-License-Identifier: MIT' ||
			echo "$file:1: the first line is the SPDX line"
		head -n 4 "$file" | grep -q "$(basename "$file") - " ||
			echo "$file:2: the file comment opens with \"$(basename "$file") - what it is\""
	done
}

words() {
	grep -rnE '\<typedef struct\>|\<alloca\(|__attribute__\(\(cleanup' core plugins include
	grep -rnE '\<goto [a-z_]+;' core plugins | grep -v 'goto out;'
	grep -rnE '\<(strcpy|strcat|sprintf|gets|strtok)\(' core plugins
	grep -rnE '\<__thread\>|_Thread_local' core plugins
}

# What a merge leaves where it was not settled.
conflicts() {
	grep -rnE --exclude-dir=.git --exclude-dir=build '^(<{7}|>{7}|[|]{7}) ' . | sed 's/$/   <- settle the merge/'
}

headers() {
	find core include plugins -name '*.h' | while read -r file; do
		cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -Iinclude -Icore \
			$(pkg-config --cflags gmime-3.0 lua5.4) -fsyntax-only -include "$file" -x c /dev/null ||
			echo "$file: does not compile on its own"
	done 2>&1
}

scripts() {
	for file in tests/*.sh tests/*/*.sh tests/*/*/*.sh docs/*.sh .ci/run; do
		[ -f "$file" ] || continue
		bash -n "$file" || echo "$file: syntax"
	done 2>&1
	for file in scripts/*.lua core/service/*.lua docs/*.lua; do
		luac5.4 -p "$file" || echo "$file: syntax"
	done 2>&1
}

for rule in upward_includes walls sizes skeleton openings words conflicts headers scripts; do
	$rule >>"$findings"
done
if [ -s "$findings" ]; then
	cat "$findings" >&2
	echo "lint: $(wc -l <"$findings") findings" >&2
	exit 1
fi
echo "lint: clean"
