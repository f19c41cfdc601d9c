#!/bin/sh
# Builds image.tar, an OCI image of one static program and nothing else, with a compiler and tar alone.
# With a container tool the same is: podman build -t {{name}} . && podman save --format oci-archive -o image.tar {{name}}
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/bin" "$work/image/blobs/sha256"
${CC:-cc} -O2 -static -o "$work/root/bin/{{name}}" {{module}}.c

pack() { # pack FOLDER FILE: the same content gives the same archive
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$1" -cf "$2" .
}
blob() { # blob FILE TYPE: puts a file among the blobs and prints its descriptor
	sum=$(sha256sum <"$1" | cut -d' ' -f1)
	cp "$1" "$work/image/blobs/sha256/$sum"
	printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%d}' "$2" "$sum" "$(wc -c <"$1")"
}
case $(uname -m) in
x86_64) arch=amd64 ;;
aarch64) arch=arm64 ;;
armv*) arch=arm ;;
*) arch=$(uname -m) ;;
esac

pack "$work/root" "$work/layer"
layer=$(blob "$work/layer" layer.v1.tar)
printf '{"architecture":"%s","os":"linux","config":{"User":"1000","Entrypoint":["/bin/{{name}}"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
	"$arch" "$(sha256sum <"$work/layer" | cut -d' ' -f1)" >"$work/config"
config=$(blob "$work/config" config.v1+json)
printf '{"schemaVersion":2,"config":%s,"layers":[%s]}' "$config" "$layer" >"$work/manifest"
printf '{"schemaVersion":2,"manifests":[%s]}' "$(blob "$work/manifest" manifest.v1+json)" >"$work/image/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$work/image/oci-layout"
pack "$work/image" image.tar
echo "image.tar: $(wc -c <image.tar) bytes"
