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
