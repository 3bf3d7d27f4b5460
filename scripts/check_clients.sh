#!/usr/bin/env bash
# Proves that HubSpot's own clients run on the sandbox unchanged, and keeps the output in docs/clients.md.
#
# Needs the development environment (make test sets it up), node >= 18 and npm. Ends with 1 when any client fails;
# docs/clients.md is then left as it was.
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
python=${PYTHON:-.venv/bin/python}
command -v "$python" >/dev/null || { echo "check_clients: no $python; run make test first, or set PYTHON" >&2; exit 2; }
command -v npm >/dev/null || { echo "check_clients: npm was not found; install Node 18 or newer" >&2; exit 2; }

work=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null; fi
  rm -rf "$work"
}
trap finish EXIT

version() { "$python" -c "from importlib.metadata import version; print(version('$1'))"; }
failed=0

python_client() { # name, test file
  echo "## $1 $(version "$1")"
  echo
  echo '```'
  "$python" -m pytest -p no:cacheprovider -v --tb=short --no-header "$2" 2>&1 |
    sed -E 's/ +\[ *[0-9]+%\]//; s/ in [0-9.]+s( \([0-9:]+\))?//' | grep -vE '^(collecting|$)'
  [ "${PIPESTATUS[0]}" -eq 0 ] || failed=1
  echo '```'
  echo
}

node_client() {
  (cd "$work" && npm init -y >/dev/null 2>&1 && npm install --no-audit --no-fund --silent @hubspot/api-client) \
    >"$work/npm.log" 2>&1 || { echo "npm could not install @hubspot/api-client:"; tail -n 5 "$work/npm.log"; failed=1; return; }
  echo "## @hubspot/api-client $(node -p "require('$work/node_modules/@hubspot/api-client/package.json').version") on Node $(node -p process.versions.node)"
  echo
  "$python" -m connector.sandbox --port 0 --contacts 30 --seed 5 --enterprise --rate-per-10s 0 --search-per-second 0 \
    --json >"$work/sandbox.json" 2>"$work/sandbox.log" &
  server=$!
  for _ in $(seq 100); do [ -s "$work/sandbox.json" ] && break; sleep 0.1; done
  read -r url token portal < <("$python" - "$work/sandbox.json" <<'PY'
import json, sys
with open(sys.argv[1]) as file:
    started = json.load(file)
print(started["url"], started["token"], started["portalId"])
PY
  )
  echo '```'
  (cd "$work" && node "$root/scripts/check_clients.mjs" "$url" "$token" "$portal") || failed=1
  echo '```'
  kill "$server" && wait "$server" 2>/dev/null
  server=
}

report() {
  echo "# HubSpot's own clients on the sandbox"
  echo
  echo "Written by \`scripts/check_clients.sh\` on $(date -u +%F). Each client is used as it is published; it is only told"
  echo "another address. Python $("$python" -c 'import platform; print(platform.python_version())')."
  echo
  python_client hubspot-api-client tests/sandbox/test_client_v3.py
  python_client hubspot-sdk tests/sandbox/test_client_2026_03.py
  node_client
}

report >"$work/clients.md"
cat "$work/clients.md"
if [ "$failed" -ne 0 ]; then
  echo "check_clients: a client failed; docs/clients.md was not changed" >&2
  exit 1
fi
cp "$work/clients.md" docs/clients.md
