#!/usr/bin/env bash
# Runs every fuzz target of the repository for a bounded time, one after the other, and fails on any finding. The input that
# broke a target stays in the package's testdata/fuzz: commit it with the fix, from then on "go test" runs it too.
#
#   FUZZ_SECONDS=30       for each target
#   FUZZ_PARALLEL=2       workers at once
#   FUZZ_GUIDED=1         0: without coverage guidance, which spares a special build of everything (minutes)
#   scripts/fuzz.sh [REGEXP]   only the targets whose "package name" matches, such as 'model FuzzSeal' or api
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

seconds=${FUZZ_SECONDS:-30}
parallel=${FUZZ_PARALLEL:-2}
wanted=${1:-.}
guided=(-fuzz=.)
[ "${FUZZ_GUIDED:-1}" = 0 ] && guided=()
root=$PWD
cache=$root/.cache/fuzz # inputs worth trying again, found in earlier runs
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
export GOMEMLIMIT=${GOMEMLIMIT:-1GiB} GOFLAGS="${GOFLAGS:-} -tags=nomsgpack"

# fuzz runs a target, again if it ended with nothing but Go's own "context deadline exceeded": a worker that was on its way when the time was over,
# a known flaw of go test, not a finding. A finding names its input.
fuzz() {
	local folder=$1 target=$2 log=$3
	for _ in 1 2 3; do
		(cd "$folder" && "$binary" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "${seconds}s" -test.parallel "$parallel" \
			-test.fuzzcachedir "$cache/$folder" -test.timeout 30m) >"$log" 2>&1 && return 0
		[ "$(grep -A1 -E '^--- FAIL' "$log" | tail -1)" = '    context deadline exceeded' ] && ! grep -qE 'Failing input|panic|--- FAIL: .*/' "$log" || return 1
	done
	return 1
}

# Files first: only packages that have targets are built.
mapfile -t folders < <(git ls-files -co --exclude-standard '*_test.go' | xargs grep -lE '^func Fuzz[A-Z]' | xargs -n1 dirname | sort -u)
started=$SECONDS
run=0
findings=()
for folder in "${folders[@]}"; do
	mapfile -t targets < <(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$folder"/*_test.go | cut -d' ' -f2 | sort | while read -r t; do grep -qE "$wanted" <<<"$folder $t" && echo "$t"; done)
	[ "${#targets[@]}" -gt 0 ] || continue
	binary=$build/$(tr / _ <<<"$folder").test
	if ! go test -c "${guided[@]}" -o "$binary" "./$folder"; then
		findings+=("$folder: does not build")
		continue
	fi
	# What the binary lists is what counts: a target that is not compiled in must not be missed.
	listed=$("$binary" -test.list '^Fuzz')
	for target in "${targets[@]}"; do
		if ! grep -qx "$target" <<<"$listed"; then
			findings+=("$folder $target: not in the test binary")
			continue
		fi
		run=$((run + 1))
		log=$build/log
		if fuzz "$folder" "$target" "$log"; then
			printf '  ok  %-28s %-20s %s\n' "$folder" "$target" "$(grep -oE 'execs: [0-9]+' "$log" | tail -1)"
		else
			findings+=("$folder $target")
			printf ' FAIL %-28s %s\n' "$folder" "$target"
			grep -v 'fuzz: elapsed' "$log" | head -60
		fi
		[ "${#guided[@]}" -gt 0 ] && grep -q 'not built with coverage instrumentation' "$log" && echo "      (without coverage guidance)"
	done
	rm -f "$binary"
done
echo
if [ "$run" -eq 0 ]; then
	echo "fuzz: no target matches '$wanted'"
	exit 1
fi
if [ "${#findings[@]}" -gt 0 ]; then
	printf 'fuzz: %d targets in %d s, findings:\n' "$run" $((SECONDS - started))
	printf '  %s\n' "${findings[@]}"
	exit 1
fi
printf 'fuzz: %d targets, %d s each, no finding (%d s)\n' "$run" "$seconds" $((SECONDS - started))
