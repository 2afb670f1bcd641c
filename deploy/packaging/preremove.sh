#!/bin/sh
set -e
# Debian says "remove", RPM says how many versions stay
case "${1:-}" in
remove | 0) [ ! -d /run/systemd/system ] || systemctl disable --now vnfmd.service ;;
esac
