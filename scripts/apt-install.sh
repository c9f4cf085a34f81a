#!/usr/bin/env bash
# Installs Debian packages for tests when that is possible without asking anybody: as root, with apt-get.
#
#   scripts/apt-install.sh PACKAGE...
#
# Services that come with a package are not started. Exits non-zero when nothing could be installed.
set -euo pipefail

say() { printf 'apt-install: %s\n' "$*" >&2; }

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	say "cannot install $* (this needs root and apt-get)"
	exit 1
fi

# Package scripts ask this policy before they start a service; 101 means "do not".
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	trap 'exit 130' INT TERM HUP
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

log=$(mktemp)
install() {
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 </dev/null
}

say "installing $*"
# Most often what is amiss are package lists that are missing or old.
if ! install "$@" && ! { apt-get update >"$log" 2>&1 </dev/null && install "$@"; }; then
	say "apt-get failed:"
	tail -n 15 "$log" >&2
	rm -f "$log"
	exit 1
fi
rm -f "$log"
