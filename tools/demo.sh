#!/usr/bin/env bash
# The main job, start to end: starts `fescue up` on a state directory of its own,
# deploys the polynomial server and client through the front door, and shows the
# roots as they arrive. Stays up until Ctrl-C; with ONCE=1 it ends after the roots.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v python3 >/dev/null; then
	sudo=()
	[[ $(id -u) == 0 ]] || sudo=(sudo)
	"${sudo[@]}" apt-get update -q && "${sudo[@]}" apt-get install -q -y --no-install-recommends python3
fi

state=$(mktemp -d "${TMPDIR:-/tmp}/fescue-demo.XXXXXX")
chmod 711 "$state" # applications' users pass through to their own directories
export FESCUE_STATE=$state
fescue=$PWD/bin/fescue
up=

finish() {
	status=$?
	trap - EXIT INT TERM
	if [[ -n $up ]] && kill -0 "$up" 2>/dev/null; then
		kill -TERM "$up"
		wait "$up" || true
	fi
	((status == 0)) || { echo "demo: failed; the last lines of the server's log:" >&2; tail -n 20 "$state/up.log" >&2; }
	rm -rf "$state"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# A port of its own, so that the demo runs beside an installed Fescue.
"$fescue" up --listen "${LISTEN:-127.0.0.1:0}" >"$state/up.log" 2>&1 &
up=$!
for _ in $(seq 100); do
	[[ -s $state/server/url ]] && "$fescue" status >/dev/null 2>&1 && break
	kill -0 "$up" 2>/dev/null || exit 1
	sleep 0.1
done

echo "── deploying the server"
"$fescue" deploy examples/polynomial-roots -f examples/polynomial-roots/server.yaml
echo "── deploying the client"
"$fescue" deploy examples/polynomial-roots -f examples/polynomial-roots/client.yaml

echo "── poly/roots, as the client sees it"
timeout 30 "$fescue" tail 'poly/roots' --count 5

url=$(<"$state/server/url")
echo
echo "API      $url/v1/server"
echo "API docs $url/docs"
echo "console  $url/#token=$(<"$state/server/admin-token")"
echo "token    $state/server/admin-token"
echo "try      FESCUE_STATE=$state $fescue logs -f roots-client"

if [[ -n ${ONCE:-} ]]; then
	exit 0
fi
echo "Ctrl-C ends the demo."
wait "$up"
