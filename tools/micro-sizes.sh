#!/usr/bin/env bash
# Prints what the micro agent takes on each target: bytes of code and constants,
# and of static memory (its one object, fescue_agent), of micro/core alone, compiled with -Os; the port's buffers and
# the pool of the functions come on top. `--check` compares with the golden file.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

target() { # target NAME SIZE-PROGRAM COMPILER FLAGS…
	local name=$1 size=$2
	shift 2
	for f in micro/core/*.c; do
		"$@" -std=gnu99 -Os -ffunction-sections -DFESCUE_FUNCTIONS=1 -Wall -Wextra -Werror -c "$f" -o "$out/$(basename "$f" .c).o"
	done
	echo '#include "micro/core/fescue_agent.h"
fescue_agent agent;' | "$@" -std=gnu99 -DFESCUE_FUNCTIONS=1 -fno-common -I. -x c -c - -o "$out/static.o"
	"$size" -t "$out"/vm_*.o | awk -v n="$name" 'END {printf "%-26s %8d", n, $1 + $2}'
	"$size" -t "$out"/*.o | awk 'END {printf " %8d %8d\n", $1 + $2, $2 + $3}'
	rm -f "$out"/*.o
}

table() {
	printf '%-26s %8s %8s %8s\n' target machine all static
	local m3=(arm-none-eabi-gcc --specs=nano.specs -mcpu=cortex-m3 -mthumb)
	target cortex-m3 arm-none-eabi-size "${m3[@]}"
	target cortex-m3-integer arm-none-eabi-size "${m3[@]}" -DFESCUE_VM_F32=0
	target cortex-m3-integer32 arm-none-eabi-size "${m3[@]}" -DFESCUE_VM_F32=0 -DFESCUE_VM_INT64=0 -DFESCUE_VM_BULK=0
	target cortex-m3-fast arm-none-eabi-size "${m3[@]}" -DFESCUE_VM_SPEED=2
	target arm926 arm-none-eabi-size arm-none-eabi-gcc --specs=nano.specs -mcpu=arm926ej-s
	target rv32imac riscv64-unknown-elf-size riscv64-unknown-elf-gcc -march=rv32imac -mabi=ilp32 --specs=picolibc.specs
	local avr=(avr-gcc -DFESCUE_VM_F32=0 -DFESCUE_VM_INT64=0 -DFESCUE_VM_BULK=0)
	target atmega2560 avr-size "${avr[@]}" -mmcu=atmega2560
	target atmega328p avr-size "${avr[@]}" -mmcu=atmega328p
}

golden=micro/sizes.golden
case ${1:-} in
--update) table >$golden ;;
--check) diff -u $golden <(table) || { echo "micro-sizes: if that is meant, run tools/micro-sizes.sh --update" >&2; exit 1; } ;;
*) table ;;
esac
