#!/bin/bash
# k8s-lab.sh build|up|down [DIR]: a real Kubernetes on loopback for tests (deploy/k8slab).
#
# build  makes DIR/k8slab of the modules in deploy/k8slab/go.mod: 10 to 20 minutes on two cores; it keeps it in the user's cache, where the next
#        build of the same sources with the same Go finds it
# up     starts it (and builds it, when it is not there), waits until it is ready, prints the path of the kubeconfig
# down   stops it, and removes what it kept
#
# DIR is bin/k8slab by default. Everything listens on 127.0.0.1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${2:-$here/../bin/k8slab}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
run=$dir/run

# a process that has ended may still answer kill -0: its command line is empty
alive() { [ -f "$run/pid" ] && grep -qz k8slab "/proc/$(cat "$run/pid")/cmdline" 2>/dev/null; }

# of is a digest of all that the program is made of.
of() { (cd "$here/k8slab" && { cat "$here/k8s-lab.sh" ./*.go ./*.yaml go.mod go.sum; GOFLAGS='' go env GOVERSION GOOS GOARCH; } | sha256sum | cut -c1-32); }

build() {
	local of kept
	of=$(of)
	kept=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vnfm/k8slab
	if [ ! -x "$kept/$of" ]; then
		cd "$here/k8slab"
		v=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
		p=k8s.io/component-base/version
		# without these the server calls itself v0.0.0
		ld="-s -w -X $p.gitVersion=$v -X $p.gitMajor=1 -X $p.gitMinor=$(echo "$v" | cut -d. -f2) -X $p.gitCommit=k8slab -X $p.gitTreeState=clean -X $p.buildDate=1970-01-01T00:00:00Z"
		mkdir -p "$kept"
		CGO_ENABLED=0 nice -n 10 go build -trimpath -ldflags "$ld" -o "$kept/$of.$$" .
		find "$kept" -type f \( ! -name '*.*' -o -mmin +600 \) -delete # 100 MB each; another build may be under way
		mv "$kept/$of.$$" "$kept/$of"
	fi
	cp "$kept/$of" "$dir/k8slab.$$" && mv "$dir/k8slab.$$" "$dir/k8slab" # a program that runs is not written over
	echo "$of" >"$dir/k8slab.of"
}

# stale says that this script made the program of other sources; one that was put there is taken as it is.
stale() { [ -f "$dir/k8slab.of" ] && [ "$(cat "$dir/k8slab.of")" != "$(of)" ]; }

case ${1:-} in
build) build ;;
up)
	if ! alive; then
		if [ ! -x "$dir/k8slab" ] || stale; then (build) >&2; fi
		rm -rf "$run" && mkdir -p "$run"
		setsid nohup "$dir/k8slab" --dir "$run" >"$run/out" 2>"$run/err" </dev/null &
		echo $! >"$run/pid"
	fi
	for _ in $(seq 1 1800); do
		[ -f "$run/ready.json" ] && { echo "$run/admin.kubeconfig"; exit 0; }
		sleep 0.1
		alive || { sleep 1; alive || { cat "$run/err" >&2; exit 1; }; }
	done
	echo "the lab was not ready within 180 s" >&2
	tail -5 "$run/err" "$run/k8slab.log" >&2
	exit 1
	;;
down)
	if alive; then
		kill "$(cat "$run/pid")"
		while alive; do sleep 0.1; done
	fi
	rm -rf "$run"
	;;
*)
	sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
