#!/usr/bin/env bash
# Installs what the tests of micro/ need and is not there: compilers for the host,
# for WebAssembly and for the boards, and the emulators. Safe to run again.
set -euo pipefail

missing=()
need() { # need PACKAGE PROGRAM: the package is wanted if the program is not there
	command -v "$2" >/dev/null 2>&1 || missing+=("$1")
}
need gcc cc
need libc6-dev ldd
need clang clang
need lld wasm-ld
need gcc-arm-none-eabi arm-none-eabi-gcc
need qemu-system-arm qemu-system-arm
need qemu-system-misc qemu-system-avr
need gcc-avr avr-gcc
need gcc-riscv64-unknown-elf riscv64-unknown-elf-gcc
have() { # have PACKAGE FILE: the same by a file
	[[ -e $2 ]] || missing+=("$1")
}
compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a' >/dev/null || missing+=(libclang-rt-14-dev)
have libnewlib-arm-none-eabi /usr/lib/arm-none-eabi/include/stdio.h
have picolibc-riscv64-unknown-elf /usr/lib/picolibc/riscv64-unknown-elf/include/string.h
have avr-libc /usr/lib/avr/include/avr/io.h
have arduino-core-avr /usr/share/arduino/hardware/arduino/avr/cores/arduino/Arduino.h

if ((${#missing[@]})); then
	if ! command -v apt-get >/dev/null; then
		echo "micro-deps: please install: ${missing[*]}" >&2
		exit 1
	fi
	sudo=()
	[[ $(id -u) == 0 ]] || sudo=(sudo)
	echo "micro-deps: installing ${missing[*]}"
	"${sudo[@]}" apt-get -o DPkg::Lock::Timeout=300 update -q
	DEBIAN_FRONTEND=noninteractive "${sudo[@]}" env apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends "${missing[@]}"
fi
