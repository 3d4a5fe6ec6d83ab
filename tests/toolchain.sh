#!/bin/sh
# SPDX-License-Identifier: MIT
#
# toolchain.sh COMPILER MODULE... - is there what building needs? Modules are those of pkg-config
#
# Names everything that is missing at once, instead of a compiler's word about each file.
set -u

PATH=$PATH:/usr/sbin:/sbin
missing=

# need NAME COMMAND...: NAME is missing where COMMAND fails.
need() {
	name=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing${missing:+, }$name"
}

# Unquoted, for "ccache gcc" is a compiler, too.
has_header() {
	echo "#include <$1>" | $compiler -E -x c - >/dev/null 2>&1
}

compiler=$1
shift
need "a C compiler ($compiler)" command -v "${compiler%% *}"
need pkg-config command -v pkg-config
if [ -z "$missing" ]; then
	for header in hiredis/hiredis.h idn2.h jansson.h libmilter/mfapi.h libpsl.h lmdb.h maxminddb.h minizip/unzip.h opendkim/dkim.h openssl/evp.h spf2/spf.h unbound.h zlib.h; do
		need "$header" has_header "$header"
	done
fi
for module in "$@"; do
	! command -v pkg-config >/dev/null || need "$module (which pkg-config does not know)" pkg-config --exists "$module"
done
[ -z "$missing" ] || {
	echo "cannot build, missing: $missing" >&2
	echo "on Debian, as root: make deps; or: apt-get install $(sed -n 's/^build: //p' "$(dirname "$0")/packages")" >&2
	exit 1
}
