#!/usr/bin/env bash
# test.sh DIST BIN: tries what `make release` made as its users would: that it can be made again byte for byte, that the image runs with
# nothing else in its root and not as root, that the packages install into a fresh Debian, run there, and leave again without what
# vnfmd has kept. Needs root for chroot.
set -euo pipefail
dist=$1 bin=$2
work=$(mktemp -d)
pid=
end() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	rm -rf --one-file-system "$work"
}
trap end EXIT
say() { echo "test-release: $*"; }

say "the same bytes"
"$bin/release" -bin "$bin" -dist "$work/again" -version "$(cat "$dist/VERSION")" -revision "$(git rev-parse HEAD)" -at "$(git log -1 --format=%ct)" >/dev/null
diff -r "$dist" "$work/again"
(cd "$dist" && sha256sum --quiet -c SHA256SUMS)

# serves ROOT USER: starts vnfmd in a root as a user, has a VNF made, and stops it
serves() {
	local root=$1 user=$2 url=
	export HOME=/var/lib/vnfm # the caller's is another's there
	chroot --userspec="$user" "$root" /usr/bin/vnfmd dev --listen 127.0.0.1:0 --data /var/lib/vnfm >"$work/out" 2>"$work/err" </dev/null &
	pid=$!
	for _ in $(seq 300); do
		url=$(sed -n 's/.*vnfm is up: \(http.*\)/\1/p' "$work/out")
		[ -z "$url" ] || break
		sleep 0.1
	done
	[ -n "$url" ] || { cat "$work/err" >&2; exit 1; }
	local cli=(chroot --userspec="$user" "$root" /usr/bin/vnfm --server "$url")
	for _ in $(seq 300); do
		"${cli[@]}" vnf create --vnfd "Sample Firewall" --name fw1 >/dev/null 2>"$work/cli" && break
		sleep 0.1
	done
	"${cli[@]}" vnf instantiate fw1 --flavour standard >/dev/null
	"${cli[@]}" vnf show fw1 | grep >/dev/null INSTANTIATED
	kill "$pid"
	wait "$pid"
	pid=
}

say "the image"
mkdir -p "$work/image" "$work/root"
tar -xf "$dist"/*_image.tar -C "$work/image"
layers=$(sed -n 's/.*"Layers":\[\([^]]*\)\].*/\1/p' "$work/image/manifest.json" | tr -d '"' | tr , ' ')
for layer in $layers; do tar -xzf "$work/image/$layer" -C "$work/root" 2>/dev/null || tar -xf "$work/image/$layer" -C "$work/root"; done
grep -q '"User":"65532:65532"' "$work"/image/sha256:* 2>/dev/null || grep -rq '"User":"65532:65532"' "$work/image"
[ ! -e "$work/root/bin/sh" ]
serves "$work/root" 65532:65532

say "the service's sandbox"
dpkg-deb -x "$dist"/*.deb "$work/deb"
systemd-analyze security --offline=yes --threshold=20 "$work/deb/usr/lib/systemd/system/vnfmd.service" | tail -1
for page in "$work"/deb/usr/share/man/man*/*.gz; do zcat "$page" | grep >/dev/null '^\.SH'; done

say "the Debian package"
root=$work/debian
# from where this machine has its own packages, when it is of that release
mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null | sed -n 's/^bookworm //p' | head -1 || true)
debootstrap --variant=minbase --include=systemd,procps bookworm "$root" "${mirror:-http://deb.debian.org/debian/}" >"$work/debootstrap" 2>&1 || { tail -5 "$work/debootstrap" >&2; exit 1; }
cp "$dist"/*.deb "$root/tmp/vnfm.deb"
chroot "$root" dpkg -i /tmp/vnfm.deb >/dev/null
[ "$(chroot "$root" stat -c '%U:%G %a' /etc/vnfm/vnfmd.yaml)" = "root:vnfm 640" ]
said=$(chroot "$root" systemd-analyze verify vnfmd.service 2>&1 | grep -v "man \|documentation" || true) # there is no man in it
[ -z "$said" ] || { echo "$said" >&2; exit 1; }
install -d -m 700 "$root/var/lib/vnfm"
chroot "$root" chown vnfm:vnfm /var/lib/vnfm
chroot --userspec=vnfm:vnfm "$root" /usr/bin/vnfmd config --config /etc/vnfm/vnfmd.yaml | grep >/dev/null 'data: "/var/lib/vnfm"'
serves "$root" vnfm:vnfm
echo "log-level: debug" >>"$root/etc/vnfm/vnfmd.yaml"
chroot "$root" dpkg -i /tmp/vnfm.deb >/dev/null # once more, as an upgrade does: the settings stay
grep -q 'log-level: debug' "$root/etc/vnfm/vnfmd.yaml"
chroot "$root" dpkg -r vnfm >/dev/null
[ ! -e "$root/usr/bin/vnfmd" ] && [ -e "$root/var/lib/vnfm/vnfm.db" ] && [ -e "$root/etc/vnfm/vnfmd.yaml" ]
for page in "$root"/usr/share/bash-completion/completions/vnfm "$root"/usr/share/fish/vendor_completions.d/vnfm.fish; do [ ! -e "$page" ]; done

say "the archive, by the commands of docs/howto/install.md"
chroot "$root" dpkg --purge vnfm >/dev/null
rm -rf "$root"/{var/lib/vnfm,etc/vnfm}
cp "$dist"/*_linux_*.tar.gz "$root/root/vnfm_VERSION_linux_amd64.tar.gz"
cp "$bin/../docs/howto/install.md" "$root/root/"
sed -n '/^## Other Linux systems/,/^## /s/^# //p' "$root/root/install.md" | sed 's/^editor .*//; s/^systemctl .*//; s/ && systemctl daemon-reload//; s/vnfm-VERSION/vnfm-*/' >"$root/root/install.sh"
[ "$(wc -l <"$root/root/install.sh")" -ge 5 ]
chroot "$root" /bin/bash -euc 'cd /root && . ./install.sh'
said=$(chroot "$root" systemd-analyze verify vnfmd.service 2>&1 | grep -v "man \|documentation" || true)
[ -z "$said" ] || { echo "$said" >&2; exit 1; }
install -d -m 700 -o "$(chroot "$root" id -u vnfm)" "$root/var/lib/vnfm"
serves "$root" vnfm:vnfm

say "the RPM package"
mkdir -p "$work/rpm"
rpm --root "$work/rpm" --initdb
rpm --root "$work/rpm" --install --nodeps --noscripts --ignorearch "$dist"/*.rpm
"$work/rpm/usr/bin/vnfmd" version | grep >/dev/null "$(cat "$dist/VERSION")"
"$work/rpm/usr/bin/vnfm" --server http://127.0.0.1:9 version | grep >/dev/null "client: *$(cat "$dist/VERSION")\$"
rpm -qp --scripts "$dist"/*.rpm | grep >/dev/null systemd-sysusers
rpm -qp --configfiles "$dist"/*.rpm | grep >/dev/null vnfmd.yaml
say "all is well"
