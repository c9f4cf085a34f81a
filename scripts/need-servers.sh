#!/usr/bin/env bash
# Runs a command that starts MariaDB and Redis servers of its own, after installing what is missing of them where that is
# possible (root on Debian):
#
#   scripts/need-servers.sh COMMAND [ARGUMENT...]
#
# Where they are missing and cannot be installed it fails; with NEED_SERVERS=optional, and not in CI, it says loudly what is not
# tested and goes on.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/sbin # Debian puts mariadbd there

have() { command -v "$1" >/dev/null; }
if { have mariadbd && have mariadb-install-db || "$here/apt-install.sh" mariadb-server-core mariadb-client-core; } &&
	{ have redis-server || "$here/apt-install.sh" redis-server; }; then
	exec "$@"
fi
echo "need-servers: NOT RUN: $* (it needs mariadb-server and redis-server, which could not be installed)" >&2
if [ "${NEED_SERVERS:-}" = optional ] && [ "${CI:-}" != true ]; then exit 0; fi
exit 1
