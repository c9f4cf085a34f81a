#!/usr/bin/env bash
# Runs the whole test suite against a MySQL-speaking server that you name, package by package, and prints a Markdown table of what
# passed, as in docs/engines.md:
#
#   TEST_MYSQL_DSN='root:PASSWORD@tcp(127.0.0.1:3306)/' scripts/engines.sh [PACKAGE...]
#
# Each test makes a database of its own (bangfu_test_…) and drops it, so the account must be allowed to do that; nothing else on the server is
# touched. A server for tests, not yours. Redis: TEST_REDIS_ADDRS, else one is started by scripts/with-services.sh. GO_TEST_FLAGS are given to
# go test, such as "-run TestOrder".
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

if [ -z "${TEST_MYSQL_DSN:-}" ]; then
	sed -n '2,10p' "${BASH_SOURCE[0]}" >&2
	exit 2
fi
if [ -z "${TEST_REDIS_ADDRS:-}" ]; then
	exec scripts/with-services.sh "$0" "$@"
fi
export TEST_DB=mysql GOFLAGS="${GOFLAGS:-} -tags=nomsgpack"

packages=("$@")
if [ $# -eq 0 ]; then mapfile -t packages < <(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... | grep -v '/scripts/'); fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
engine=$(go test ./model -count=1 -v -run '^TestEngine$' 2>&1 | sed -n 's/.*engine: //p')
if [ -z "$engine" ]; then
	echo "engines: the server in TEST_MYSQL_DSN does not answer as it should:" >&2
	go test ./model -count=1 -run '^TestEngine$' >&2
	exit 1
fi
printf '%s, %s\n\n| package | result | s |\n| --- | --- | --- |\n' "$engine" "$(date -u +%F)"
status=0
for package in "${packages[@]}"; do
	started=$SECONDS
	# shellcheck disable=SC2086 # flags are words
	if go test -count=1 -timeout 90m ${GO_TEST_FLAGS:-} "$package" >"$log" 2>&1; then
		result=ok
	else
		result="FAILED: $(grep -oE '^ *--- FAIL: [^ ]+' "$log" | sed 's/.*: //' | paste -sd' ' -)"
		status=1
		{ echo "== $package"; grep -vE '^\{' "$log" | tail -n 60; } >&2
	fi
	printf '| %s | %s | %d |\n' "${package#bangfu/}" "$result" $((SECONDS - started))
done
exit "$status"
