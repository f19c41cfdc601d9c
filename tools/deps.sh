#!/usr/bin/env bash
# Installs what the tests need and is not there: Debian packages, and a Python
# environment with pytest under .tools. Run by `make test`; safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
need() { # need PACKAGE TEST…: the package is wanted if the test fails
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || missing+=("$package")
}
need postgresql bash -c 'compgen -G "/usr/lib/postgresql/*/bin/initdb"'
need python3 command -v python3
need python3-venv python3 -c 'import ensurepip, venv'
need iproute2 command -v ip
need nodejs command -v node
need npm command -v npm
need openjdk-17-jdk-headless command -v javac
need maven command -v mvn
need git command -v git
need g++ command -v g++
need clang command -v clang
need cmake command -v cmake
need pkg-config command -v pkg-config
if [[ $(uname -m) == x86_64 ]]; then # the C SDK is tested as a 32-bit program, too
	need gcc-12-multilib bash -c 'echo "int main(void) { return 0; }" | gcc -m32 -x c -o /dev/null -'
	need libc6-dev-i386 test -f /usr/include/gnu/stubs-32.h
fi
need mosquitto command -v mosquitto
need mosquitto-clients command -v mosquitto_pub
need libmosquitto-dev test -f /usr/include/mosquitto.h
need lld command -v wasm-ld
need crun test -x /usr/bin/crun # the two engines of containers
need runc test -x /usr/sbin/runc
need chromium command -v chromium
need fonts-dejavu-core bash -c 'compgen -G "/usr/share/fonts/*/*/*.ttf"'

if ((${#missing[@]})); then
	if ! command -v apt-get >/dev/null; then
		echo "deps: please install: ${missing[*]}" >&2
		exit 1
	fi
	sudo=()
	[[ $(id -u) == 0 ]] || sudo=(sudo)
	echo "deps: installing ${missing[*]}"
	"${sudo[@]}" apt-get update -q
	# Debian would start a database of its own; the tests start theirs.
	DEBIAN_FRONTEND=noninteractive "${sudo[@]}" env RUNLEVEL=1 apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

# shellcheck source=tools/node.sh
source tools/node.sh

if [[ ! -x .tools/venv/bin/pytest ]]; then
	python3 -m venv .tools/venv
	.tools/venv/bin/python -m pip install -q --disable-pip-version-check pytest
fi
# MQTT and NATS clients of others, for device/access.
.tools/venv/bin/python -c 'import paho.mqtt' 2>/dev/null || .tools/venv/bin/python -m pip install -q --disable-pip-version-check 'paho-mqtt>=2'
.tools/venv/bin/python -c 'import nats' 2>/dev/null || .tools/venv/bin/python -m pip install -q --disable-pip-version-check 'nats-py>=2'
[[ -d .tools/mqttjs/node_modules/mqtt ]] || npm install --silent --no-audit --no-fund --prefix .tools/mqttjs mqtt@5
# Prometheus' own parser, for the figures of server and device.
.tools/venv/bin/python -c 'import prometheus_client' 2>/dev/null || .tools/venv/bin/python -m pip install -q --disable-pip-version-check prometheus-client
# Wheels of the example classifier, so that its test installs from a folder.
[[ -d .tools/classifier-wheels ]] || {
	.tools/venv/bin/python -m pip download -q --disable-pip-version-check --only-binary :all: -d .tools/classifier-wheels.new -r examples/classifier/requirements.txt
	mv .tools/classifier-wheels.new .tools/classifier-wheels
}
