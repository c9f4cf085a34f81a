#!/usr/bin/env bash
# Runs all Go tests twice: on the embedded database and in-process Redis, then on the MariaDB (or MySQL)
# and Redis that TEST_MYSQL_DSN and TEST_REDIS_ADDRS name. Arguments go to "go test".
#
#   scripts/with-services.sh scripts/test.sh [-race] [-run REGEXP] ...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }

case " $* " in
*" -race "*)
	# The race detector needs a C compiler.
	cc=$(go env CC)
	if ! command -v "${cc%% *}" >/dev/null && ! scripts/apt-install.sh gcc libc6-dev; then
		say "-race needs a C compiler, and there is none: install gcc"
		exit 1
	fi
	export CGO_ENABLED=1
	;;
esac

verdict=()
status=0
# round NAME DATABASE [ARGUMENT...] runs everything once; a failure does not keep the other round from running.
round() {
	local name=$1 database=$2 started=$SECONDS
	shift 2
	say "tests on $name"
	# Under the race detector and on a busy machine the tests over HTTP take longer than go's ten minutes.
	if TEST_DB=$database go test -timeout 40m "$@" ./...; then
		verdict+=("$name: ok ($((SECONDS - started)) s)")
	else
		verdict+=("$name: FAILED ($((SECONDS - started)) s)")
		status=1
	fi
}

round "SQLite + in-process Redis" sqlite "$@"
if [ -n "${TEST_MYSQL_DSN:-}" ] && [ -n "${TEST_REDIS_ADDRS:-}" ]; then
	round "MariaDB/MySQL + Redis" mysql "$@"
else
	verdict+=("MariaDB/MySQL + Redis: NOT TESTED (no servers)")
fi
say "summary"
printf '%s\n' "${verdict[@]}"
exit "$status"
