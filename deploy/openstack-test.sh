#!/bin/bash
# openstack-test.sh [all]: tests the OpenStack driver on a cloud from nothing (openstack-lab.sh), and stops it.
#
# The driver's suite, and a whole life of a VNF and then the commands of docs/howto/openstack.md, run at the same time, each in a project of its own; "all" runs the driver's scenarios
# after them. What each part took is said at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/bin
mkdir -p "$bin"
part() { # part NAME COMMAND: says what it took
	local name=$1 begun=$SECONDS
	shift
	"$@" || { echo "$name failed after $((SECONDS - begun)) s" >&2; return 1; }
	echo "$name: $((SECONDS - begun)) s" >>"$bin/openstack-took"
}
: >"$bin/openstack-took"
build() {
	go test -c -tags openstack -o "$bin/openstack-driver.test" ./vim/openstack && go test -c -tags openstack -o "$bin/openstack-life.test" ./e2e && go build ./cmd/...
}
run() { # run PACKAGE BINARY TESTS: a package's tests, as go test runs them
	(cd "$1" && VNFM_TEST_CLOUDS=$bin/openstack-lab/etc/clouds.yaml "$bin/$2" -test.timeout 40m -test.run "$3")
}
./deploy/openstack-lab.sh wipe
trap './deploy/openstack-lab.sh down' EXIT
part build build & building=$!
part install ./deploy/openstack-lab.sh install
part start ./deploy/openstack-lab.sh up >/dev/null
wait $building
part suite run vim/openstack openstack-driver.test '^TestLab$' & suite=$!
ok=0
part life run e2e openstack-life.test '^(TestWholeLife|TestPages)OnOpenStack$' || ok=1
wait $suite || ok=1
if [ "${1:-}" = all ] && [ $ok = 0 ]; then
	part scenarios run vim/openstack openstack-driver.test '^TestLabScenarios$' || ok=1
fi
echo "OpenStack: $(paste -sd, "$bin/openstack-took" | sed 's/,/, /g'); $SECONDS s in all"
exit $ok
