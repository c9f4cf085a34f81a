#!/usr/bin/env bash
# Runs a command with a MariaDB and a Redis that live only as long as the command:
#
#   scripts/with-services.sh COMMAND [ARGUMENT...]
#
# The command finds them in two variables:
#   TEST_MYSQL_DSN    root DSN without a database name; each test creates its own database
#   TEST_REDIS_ADDRS  host:port
# Where one of them is set already, that server is used and none is started for it. Where a server
# program is missing, root on Debian gets it installed; elsewhere the command runs without that
# variable and a loud note says what is not tested (with CI=true this is a failure instead).
#
# What this script starts it stops again, by process id, also when it is interrupted or killed.
set -euo pipefail
set -m # every background job gets its own process group: Ctrl-C reaches the command before its servers

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { printf 'with-services: %s\n' "$*" >&2; }

if [ $# -eq 0 ]; then
	sed -n '2,5p' "${BASH_SOURCE[0]}" >&2
	exit 2
fi
if [ -n "${TEST_MYSQL_DSN:-}" ] && [ -n "${TEST_REDIS_ADDRS:-}" ]; then
	say "using the MariaDB/MySQL and Redis given in TEST_MYSQL_DSN and TEST_REDIS_ADDRS"
	exec "$@"
fi

folder=
mariadb_pid=
redis_pid=
command_pid=

stop_all() {
	trap '' INT TERM HUP
	local pid
	for pid in $command_pid; do kill -TERM -- "-$pid" 2>/dev/null || true; done
	# Test data is thrown away with the folder, so the servers need no orderly shutdown.
	for pid in $mariadb_pid $redis_pid; do kill -KILL "$pid" 2>/dev/null || true; done
	wait 2>/dev/null || true
	if [ -n "$folder" ]; then rm -rf -- "$folder"; fi
}
trap stop_all EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# In memory where there is plenty: each test makes and drops a database, which is three to ten times faster there.
base=${TMPDIR:-/tmp}
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then
	free_kib=$(df -Pk /dev/shm | awk 'NR == 2 { print $4 }')
	if [ "$free_kib" -gt $((4 * 1024 * 1024)) ]; then base=/dev/shm; fi
fi
folder=$(mktemp -d "$base/bangfu-services.XXXXXX")

# A kill -9 of this script cannot be trapped; on Linux the servers then die with it.
dying_with_us=(env)
if command -v setpriv >/dev/null; then dying_with_us=(setpriv --pdeathsig KILL); fi

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000)) # below the range from which the kernel picks outgoing ports
		if ! listening "$port"; then
			echo "$port"
			return
		fi
	done
}

# await NAME PID LOG waits until the server's log says that it is ready; fails when it exits or needs over 60 seconds.
await() {
	local name=$1 pid=$2 log=$3 _
	for _ in $(seq 1200); do
		kill -0 "$pid" 2>/dev/null || break
		if grep -qE 'ready for connections|Ready to accept connections' "$log"; then return 0; fi
		sleep 0.05
	done
	say "$name did not start; the end of its log:"
	tail -n 20 "$log" >&2
	return 1
}

start_mariadb() {
	local port password user
	port=$(free_port)
	password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	user=$(id -un)

	mariadb-install-db --no-defaults --user="$user" --datadir="$folder/mariadb" --skip-test-db \
		--auth-root-authentication-method=normal >"$folder/install.log" 2>&1 || {
		say "mariadb-install-db failed:"
		tail -n 20 "$folder/install.log" >&2
		return 1
	}
	(
		umask 077
		cat >"$folder/init.sql" <<-SQL
			CREATE OR REPLACE USER 'root'@'127.0.0.1' IDENTIFIED BY '$password';
			GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
		SQL
	)
	# flush_log_at_trx_commit=2: a crash of the machine may cost a second of test data, which nobody needs;
	# everything else about transactions and locks stays as in production. The server's clock zone is
	# China's, as on many real servers, so that a connection that forgets to set its own is caught.
	"${dying_with_us[@]}" mariadbd --no-defaults --user="$user" \
		--datadir="$folder/mariadb" --init-file="$folder/init.sql" \
		--socket="$folder/mariadb.sock" --pid-file="$folder/mariadb.pid" \
		--bind-address=127.0.0.1 --port="$port" --skip-name-resolve \
		--character-set-server=utf8mb4 --default-time-zone=+08:00 \
		--max-connections=500 --skip-log-bin \
		--innodb-buffer-pool-size=256M --innodb-log-file-size=64M --innodb-flush-log-at-trx-commit=2 \
		>"$folder/mariadb.log" 2>&1 </dev/null &
	mariadb_pid=$!
	await MariaDB "$mariadb_pid" "$folder/mariadb.log"
	export TEST_MYSQL_DSN="root:$password@tcp(127.0.0.1:$port)/"
	say "MariaDB on 127.0.0.1:$port"
}

start_redis() {
	local port
	port=$(free_port)
	mkdir "$folder/redis"
	"${dying_with_us[@]}" redis-server --bind 127.0.0.1 --port "$port" --dir "$folder/redis" \
		--save '' --appendonly no --daemonize no >"$folder/redis.log" 2>&1 </dev/null &
	redis_pid=$!
	await Redis "$redis_pid" "$folder/redis.log"
	export TEST_REDIS_ADDRS="127.0.0.1:$port"
	say "Redis on 127.0.0.1:$port"
}

missing=()
# have PROGRAM PACKAGE... is true when the program is there, if need be after installing the packages.
have() {
	local program=$1
	shift
	if command -v "$program" >/dev/null; then return 0; fi
	"$here/apt-install.sh" "$@" && command -v "$program" >/dev/null
}

PATH=$PATH:/usr/sbin # Debian puts mariadbd there, outside an ordinary user's PATH
if [ -z "${TEST_MYSQL_DSN:-}" ]; then
	if have mariadbd mariadb-server-core mariadb-client-core && have mariadb-install-db mariadb-server-core; then
		start_mariadb
	else
		missing+=("MariaDB")
	fi
fi
if [ -z "${TEST_REDIS_ADDRS:-}" ]; then
	if have redis-server redis-server; then start_redis; else missing+=("Redis"); fi
fi
if [ ${#missing[@]} -gt 0 ]; then
	say "************************************************************************"
	say "NOT TESTED on: ${missing[*]} (not installed, and could not be installed)."
	say "Install mariadb-server and redis-server, or set TEST_MYSQL_DSN and TEST_REDIS_ADDRS."
	say "************************************************************************"
	if [ "${CI:-}" = true ]; then exit 1; fi
fi

"$@" &
command_pid=$!
status=0
wait "$command_pid" || status=$?
command_pid=
exit "$status"
