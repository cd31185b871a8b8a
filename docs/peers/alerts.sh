#!/usr/bin/env bash
# Holds alerts, routes and notifications to the real things: installs Debian's
# prometheus (with promtool) and prometheus-alertmanager (with amtool) where apt-get can,
# then runs the tests that start them on 127.0.0.1. A test whose program is not there is
# skipped with a message.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=()
command -v promtool >/dev/null && command -v prometheus >/dev/null || missing+=(prometheus)
command -v amtool >/dev/null && command -v prometheus-alertmanager >/dev/null || missing+=(prometheus-alertmanager)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then # services of the packages stay off: the tests start their own
      trap 'rm -f $policy' EXIT
      printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
    fi
    apt-get install -y --no-install-recommends "${missing[@]}" || echo "cannot install ${missing[*]}: their tests are skipped"
  else
    echo "not installed: ${missing[*]}: their tests are skipped"
  fi
fi

go test -count=1 -timeout 10m -v \
  -run 'Real|Alertmanager|Promtool|Amtool|ForPrometheus|TestMail|TestSlack|TestWebhook|TestIncidents|TestSMS|TestEveryService|TestNotify|TestAlertmanager' \
  ./analysis/series ./analysis/alerting/... ./cmd/internal/alertscmd ./cmd/internal/metricinput \
  ./cmd/internal/notify ./cmd/internal/rulescmd ./rules/alert/routing ./rules/canonical ./rules/defaults |
  grep -E '^(--- |ok|FAIL|panic)|skipped'
