#!/usr/bin/env bash
# Fuzzes every decoder for the time given (a Go duration), one after the other. Fails when a failing input was found, when Go fails,
# and when a fuzz target in the sources is not among those that Go lists.
#
# Up to Go 1.26 the fuzzing coordinator may report its own deadline as a failure when the time is over (golang/go#75804):
# the only line of the failure is then "context deadline exceeded". That is no finding; delete the case with Go 1.27.
set -euo pipefail
time=$1
go=${GO:-go}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

packages=$("$go" list -f '{{.ImportPath}} {{.Dir}}' ./...)
run=0
while read -r package dir; do
	declared=$(find "$dir" -maxdepth 1 -name '*_test.go' -exec sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' {} + | sort)
	if [ -z "$declared" ]; then
		continue
	fi
	listed=$("$go" test -list '^Fuzz' "$package")
	listed=$(grep '^Fuzz' <<<"$listed" | sort || true)
	if [ "$listed" != "$declared" ]; then
		echo "$package: the sources have the targets" $declared", and Go lists" ${listed:-none} >&2
		exit 1
	fi
	for target in $listed; do
		echo "$package $target"
		run=$((run + 1))
		if "$go" test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 200x "$package" 2>&1 | tee "$log"; then
			continue
		fi
		findings=$(grep -A1 -- "^--- FAIL: $target" "$log" | tail -n +2)
		if [ "$findings" != "    context deadline exceeded" ] || grep -q 'Failing input written' "$log"; then
			exit 1
		fi
		echo "$target: the time was over (golang/go#75804), nothing was found"
	done
done <<<"$packages"
if [ "$run" = 0 ]; then
	echo "there is no fuzz target" >&2
	exit 1
fi
