#!/usr/bin/env bash
# Runs a command that starts MariaDB and Redis servers of its own, after installing what is missing of them where that is
# possible (root on Debian):
#
#   scripts/need-servers.sh COMMAND [ARGUMENT...]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/sbin # Debian puts mariadbd there
command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null || "$here/apt-install.sh" mariadb-server-core mariadb-client-core
command -v redis-server >/dev/null || "$here/apt-install.sh" redis-server
exec "$@"
