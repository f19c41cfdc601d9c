#!/bin/sh
# Writes fescue.h and a fescue.c without parts into a directory, for who copies two files into a project:
#
#	sdk/c/amalgamate.sh DIRECTORY
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cp "$here/fescue.h" "$1/fescue.h"
while IFS= read -r line; do
	part=$(printf '%s\n' "$line" | sed -n 's/^#include "\(src\/.*\)"$/\1/p')
	if [ -n "$part" ]; then cat "$here/$part"; else printf '%s\n' "$line"; fi
done <"$here/fescue.c" >"$1/fescue.c"
