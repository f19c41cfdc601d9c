#!/usr/bin/env bash
# Measures in Chromium how smoothly the console shows 500 devices, 2,000 applications,
# 10,000 lines of output and 1,000 messages a second: web/test/stutter.bench.ts. It takes
# some minutes and needs bin/fescue (make build). ONLY=map,topics measures those pages alone.
set -euo pipefail
cd "$(dirname "$0")/../../web"
table=$(mktemp)
trap 'rm -f "$table"' EXIT
TABLE=$table npm run --silent bench >&2
cat "$table"
