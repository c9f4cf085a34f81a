#!/usr/bin/env bash
# Fails when "go generate" would change a file: what is generated must be committed as generated.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# state prints a checksum of every file that git knows or would add.
state() { git ls-files -z --cached --others --exclude-standard | xargs -0 sha256sum -- 2>/dev/null || true; }

before=$(state)
go generate ./...
after=$(state)
if [ "$before" != "$after" ]; then
	echo "These files were out of date and have been generated again; commit them:"
	diff <(echo "$before") <(echo "$after") | sed -n 's/^> [0-9a-f]*  /  /p'
	exit 1
fi
