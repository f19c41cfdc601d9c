#!/usr/bin/env bash
# Measures every figure of docs/reference/figures.md. Takes some minutes; run it
# on a machine that does nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
echo "== machine ($(nproc) processors, $(uname -r))"
go run ./bench/machine -binary bin/fescue
echo "== exchange"
go run ./bench/exchange
echo "== functions"
go run ./bench/functions -binary bin/fescue
echo "== scale"
go run ./bench/scale
if command -v chromium >/dev/null && [[ -d web/node_modules ]]; then
	echo "== console"
	./bench/console/run.sh
fi
