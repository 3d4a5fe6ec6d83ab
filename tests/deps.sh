#!/bin/sh
# deps.sh GROUP... - install the Debian packages of tests/packages that are missing
#
# Says what it installs; needs root only when something is missing.
set -eu

list=$(dirname "$0")/packages
missing=
for group in "$@"; do
	for package in $(sed -n "s/^$group: *//p" "$list"); do
		dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' ||
			missing="$missing $package"
	done
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "deps: missing:$missing (this is not Debian: install what corresponds and try again)" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "deps: missing:$missing" >&2
	echo "deps: only root can install them: apt-get install$missing" >&2
	exit 1
fi
echo "deps: installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# The package lists may be missing or old on a fresh machine.
# shellcheck disable=SC2086
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
	cat "$log" >&2
	echo "deps: could not install$missing; see above" >&2
	exit 1
fi
