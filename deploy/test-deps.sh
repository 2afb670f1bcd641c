#!/bin/sh
# Installs what the tests need and is missing: PostgreSQL's server programs (the tests start a private cluster of their
# own), a C compiler for the race detector, git and make for the tests of the checks themselves. With TOOLS it is something else:
#   node        Node, 20.19 or newer, with npm: `make ui`, `make verify`
#   ui          Chromium, too: `make test-ui`
#   kafka       Java, Maven and curl: `make test-kafka`
#   monitoring  promtool: `make test-monitoring`
#   release     debootstrap, rpm, systemd-analyze: `make test-release`
# Does nothing when all is there. Needs root, or sudo, only to install.
set -eu
missing=
node_ok() {
	command -v npm >/dev/null 2>&1 && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' >/dev/null 2>&1
}
if [ "${TOOLS:-}" = node ] || [ "${TOOLS:-}" = ui ]; then
	node_ok || command -v npm >/dev/null 2>&1 || missing="$missing nodejs npm"
	[ "$TOOLS" = node ] || [ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
elif [ "${TOOLS:-}" = kafka ]; then
	command -v java >/dev/null 2>&1 || missing="$missing openjdk-17-jre-headless"
	command -v mvn >/dev/null 2>&1 || missing="$missing maven"
	command -v curl >/dev/null 2>&1 || missing="$missing curl"
elif [ "${TOOLS:-}" = release ]; then
	command -v debootstrap >/dev/null 2>&1 || missing="$missing debootstrap"
	command -v rpm >/dev/null 2>&1 || missing="$missing rpm"
	command -v systemd-analyze >/dev/null 2>&1 || missing="$missing systemd"
elif [ "${TOOLS:-}" = monitoring ]; then
	command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
else
	[ -n "${VNFM_TEST_POSTGRES:-}" ] || command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
	command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
	for tool in git make; do command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"; done
fi
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
if [ -n "$missing" ]; then
	command -v apt-get >/dev/null 2>&1 || { echo "missing:$missing (install it, or set VNFM_TEST_POSTGRES)" >&2; exit 1; }
	echo "installing:$missing"
	$sudo apt-get update -qq
	# The package would start a cluster of its own; the tests want only the programs.
	$sudo mkdir -p /etc/postgresql-common
	[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qq -y --no-install-recommends $missing >/dev/null
fi
# Debian 12 has an older Node, whose npm can fetch a newer one.
case ${TOOLS:-} in
node | ui) node_ok || $sudo npm install --global --loglevel=error --no-audit --no-fund node@22 ;;
esac
