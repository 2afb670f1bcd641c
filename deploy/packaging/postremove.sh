#!/bin/sh
set -e
[ ! -d /run/systemd/system ] || systemctl daemon-reload
# What vnfmd keeps in /var/lib/vnfm stays: it is the record of what runs at the VIMs.
