#!/usr/bin/env bash
# Builds the web console into server/console/dist, from where it gets into the binary;
# does nothing if it is newer than its sources. Without npm it says so and leaves the
# binary without a console, unless REQUIRED=1.
set -euo pipefail
cd "$(dirname "$0")/.."
built=web/dist/.built

sources() { git ls-files -co --exclude-standard web cli/templates server/api/testdata/openapi.golden.yaml | grep -v '^web/test/'; }
fresh() {
	[[ -f $built && -f server/console/dist/index.html.gz ]] || return 1
	[[ -z $(sources | xargs -d '\n' -I{} find {} -maxdepth 0 -newer "$built" -print -quit) ]]
}

if fresh; then exit 0; fi
if ! command -v npm >/dev/null; then
	echo "console: npm is not there, so the binary gets no web console (everything else works)" >&2
	[[ -z ${REQUIRED:-} ]]
	exit
fi
# shellcheck source=tools/node.sh
source tools/node.sh
if [[ ! web/node_modules/.package-lock.json -nt web/package-lock.json ]]; then
	echo "console: installing what its build needs"
	npm --prefix web ci --silent
fi
echo "console: building"
npm --prefix web run --silent build -- --logLevel warn
touch "$built"
