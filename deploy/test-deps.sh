#!/bin/sh
# Installs what the tests need and is missing: PostgreSQL's server programs (the tests start a private cluster of their
# own), a C compiler for the race detector, git and make for the tests of the checks themselves; with TOOLS=ui instead what the
# console's need: Chromium, and Node (20.19 or newer, which also `make ui` and `make verify` need), with TOOLS=kafka Java and Maven, with TOOLS=monitoring promtool. Does nothing when all is there. Needs root, or sudo, only to install.
set -eu
missing=
if [ "${TOOLS:-}" = ui ]; then
	command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || { echo "missing: Node 20.19 or newer, with npm" >&2; exit 1; }
	[ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
elif [ "${TOOLS:-}" = kafka ]; then
	command -v java >/dev/null 2>&1 || missing="$missing openjdk-17-jre-headless"
	command -v mvn >/dev/null 2>&1 || missing="$missing maven"
elif [ "${TOOLS:-}" = monitoring ]; then
	command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
else
	[ -n "${VNFM_TEST_POSTGRES:-}" ] || command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
	command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
	for tool in git make; do command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"; done
fi
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null 2>&1 || { echo "missing:$missing (install it, or set VNFM_TEST_POSTGRES)" >&2; exit 1; }
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
echo "installing:$missing"
$sudo apt-get update -qq
# The package would start a cluster of its own; the tests want only the programs.
$sudo mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qq -y --no-install-recommends $missing >/dev/null
