#!/bin/sh
set -e
if command -v systemd-sysusers >/dev/null 2>&1; then
	systemd-sysusers vnfm.conf
elif ! getent passwd vnfm >/dev/null; then
	useradd --system --home-dir /var/lib/vnfm --shell /usr/sbin/nologin --user-group vnfm
fi
# the settings may hold secrets: the service reads them, and nobody else does
chown root:vnfm /etc/vnfm /etc/vnfm/vnfmd.yaml
chmod 0750 /etc/vnfm
chmod 0640 /etc/vnfm/vnfmd.yaml
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# a new version takes over where the old one ran
	systemctl try-restart vnfmd.service
fi
