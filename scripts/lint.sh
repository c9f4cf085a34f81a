#!/usr/bin/env bash
# Runs golangci-lint in the one version that this project pins. A copy of that version found in
# .cache/bin, in Go's bin folder or on the PATH is used; otherwise it is built into .cache/bin,
# which takes some minutes once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=2.15.0
own=$PWD/.cache/bin

find_linter() {
	local candidate
	for candidate in "$own/golangci-lint" "$(go env GOPATH)/bin/golangci-lint" "$(command -v golangci-lint || true)"; do
		if [ -x "$candidate" ] && "$candidate" version --short 2>/dev/null | grep -qxF "$version"; then
			echo "$candidate"
			return
		fi
	done
	return 1
}

if ! linter=$(find_linter); then
	echo "lint: building golangci-lint v$version into .cache/bin (once, some minutes)"
	GOBIN=$own GOFLAGS='' go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$version"
	linter=$(find_linter)
fi
exec "$linter" run "$@" ./...
