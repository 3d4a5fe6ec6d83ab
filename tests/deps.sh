#!/bin/sh
# deps.sh GROUP...             install the Debian packages of tests/packages that are missing
# deps.sh --unpack DIR GROUP   unpack those of GROUP into DIR, once, and install nothing
#
# Says what it installs; needs root only when something is missing. DEPS_LIST names another list than tests/packages.
set -eu

list=${DEPS_LIST:-$(dirname "$0")/packages}

# The package lists may be missing or old, so a second attempt comes with new ones, where root can get them.
download() {
	APT="-o APT::Sandbox::User=root"
	# shellcheck disable=SC2086
	apt-get $APT download "$@" || {
		[ "$(id -u)" = 0 ] && apt-get update && apt-get $APT download "$@"
	}
}

# Complete or not there at all: unpacked beside DIR, then given its name. No program of theirs runs here with
# more rights than the caller has, so they lose their setuid and setgid bits.
unpack() {
	dir=$1 packages=$(sed -n "s/^$2: *//p" "$list")
	[ ! -d "$dir" ] || exit 0
	command -v apt-get >/dev/null || {
		echo "deps: this is not Debian: unpack what corresponds to $packages into $dir" >&2
		exit 1
	}
	mkdir -p "$(dirname "$dir")"
	new=$(mktemp -d "$dir.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	# shellcheck disable=SC2086
	(cd "$new" && mkdir debs root && cd debs && download $packages) >"$new/log" 2>&1 || {
		cat "$new/log" >&2
		echo "deps: could not download $packages; see above. Without a network, unpack them into $dir" >&2
		exit 1
	}
	for deb in "$new"/debs/*.deb; do
		dpkg -x "$deb" "$new/root"
	done
	find "$new/root" -type f -perm /6000 -exec chmod ug-s {} +
	chmod 0755 "$new/root"
	mv "$new/root" "$dir"
}

if [ "$1" = --unpack ]; then
	unpack "$2" "$3"
	exit 0
fi
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

# No package of the machine is removed, and no service started or set to start at boot: a mail server that
# a test needs must not begin to listen for the world.
PATH=$PATH:/usr/sbin:/sbin
policy=/usr/sbin/policy-rc.d
mine="$policy of deps.sh"
log=$(mktemp)

# Debian starts what it installs. This file, which apt asks, says no for the new packages and hands
# other questions to the one that was there; the machine's own services are restarted as ever.
refuse_starts() {
	[ ! -e "$policy" ] || grep -q "$mine" "$policy" || mv "$policy" "$policy.before-deps"
	cat >"$policy" <<-END
		#!/bin/sh
		# $mine: no service of these packages starts while they are installed
		case " \$* " in *" postfix"[@.\ ]* | *" saslauthd"[.\ ]*) exit 101 ;; esac
		[ ! -x $policy.before-deps ] || exec $policy.before-deps "\$@"
	END
	chmod 755 "$policy"
}

finish() {
	rm -f "$log"
	if grep -q "$mine" "$policy" 2>/dev/null; then
		rm -f "$policy"
		[ ! -e "$policy.before-deps" ] || mv "$policy.before-deps" "$policy"
	fi
}

new() {
	case " $missing " in *" $1 "*) return 0 ;; esac
	return 1
}

# Without a main.cf of its own Debian's Postfix does not start at boot either; a private one needs none.
# A Postfix that was here before has its answer, and its main.cf.
leave_unconfigured() {
	[ ! -e /etc/postfix/main.cf ] || return 0
	echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
}

# shellcheck disable=SC2086
install_missing() {
	apt-get update &&
		apt-get install -y --no-install-recommends --no-remove $missing
}

trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
echo "deps: installing$missing (half a minute or more)"
export DEBIAN_FRONTEND=noninteractive
if new postfix || new sasl2-bin; then
	refuse_starts
fi
if new postfix; then
	leave_unconfigured >"$log" 2>&1
fi
# The package lists may be missing or old on a fresh machine.
if ! install_missing >"$log" 2>&1; then
	cat "$log" >&2
	echo "deps: could not install$missing; see above" >&2
	! grep -q 'remove is disabled' "$log" ||
		echo "deps: they would replace packages of this machine, another mail server perhaps: try a container" >&2
	exit 1
fi
if new postfix; then
	echo "deps: Postfix is installed, not configured and not running; it is only used from private directories"
fi
echo "deps: the packages stay; apt-get remove$missing removes them"
