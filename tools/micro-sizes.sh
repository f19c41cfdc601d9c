#!/usr/bin/env bash
# Prints what the micro agent takes on each target, in bytes of a linked program:
# code and constants with what the compiler's library adds, and the memory of the
# agent's object. The programs are micro/core with a port that does nothing
# (micro/test/harness/size.c), without state and signatures; whole is with both. `static`
# is all static memory of it, with buffers for packets and frames and a pool of 2 KB. `--check` compares with the golden file.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
common=(-std=gnu99 -Os -flto -ffunction-sections -fdata-sections -fno-move-loop-invariants -ffreestanding -nostartfiles
	-Wl,-e,main -Wl,--gc-sections -Wl,--defsym=device=0x40004000 -Wl,--no-warn-rwx-segments -DFESCUE_FUNCTIONS=1 -DFESCUE_STATE=0 -DFESCUE_MEMORY=1 -Wall -Wextra -Werror)

target() { # target NAME SIZE-PROGRAM COMPILER FLAGS…
	local name=$1 size=$2
	shift 2
	"${1}" "${common[@]}" "${@:2}" micro/core/*.c micro/test/harness/size.c -o "$out/$name"
	# The store stands for flash, and is no memory of the agent's.
	"$size" "$out/$name" | awk -v n="$name" 'NR == 2 {printf "%-26s %8d %8d\n", n, $1 + $2, $2 + $3 - 5120}'
}

table() {
	printf '%-26s %8s %8s\n' target code static
	local m3=(arm-none-eabi-gcc --specs=nano.specs -mcpu=cortex-m3 -mthumb) integer=(-DFESCUE_VM_F32=0 -DFESCUE_VM_INT64=0 -DFESCUE_VM_BULK=0)
	target cortex-m3 arm-none-eabi-size "${m3[@]}"
	target cortex-m3-state arm-none-eabi-size "${m3[@]}" -UFESCUE_STATE
	target cortex-m3-whole arm-none-eabi-size "${m3[@]}" -UFESCUE_STATE -DFESCUE_SIGNATURES=1
	target cortex-m3-fast arm-none-eabi-size "${m3[@]}" -DFESCUE_VM_SPEED=2
	target cortex-m3-integer64 arm-none-eabi-size "${m3[@]}" -DFESCUE_VM_F32=0
	target cortex-m3-integer32 arm-none-eabi-size "${m3[@]}" "${integer[@]}"
	# One line, no pins, no key, and the smallest of what is as safe.
	target cortex-m3-least arm-none-eabi-size "${m3[@]}" "${integer[@]}" -fno-jump-tables -DFESCUE_LINES=1 -DFESCUE_PINS=0 \
		-DFESCUE_LINK_AUTH=0 -DFESCUE_VM_SPEED=0 -DFESCUE_VM_NAMES=0
	target arm926 arm-none-eabi-size arm-none-eabi-gcc --specs=nano.specs -mcpu=arm926ej-s
	target rv32imac riscv64-unknown-elf-size riscv64-unknown-elf-gcc -march=rv32imac -mabi=ilp32 -msave-restore --specs=picolibc.specs -Wl,--defsym=__stack_size=0
	avr
}

# The whole firmware, as it goes to the board.
avr() {
	make -s -C micro/ports/avr OUT="$out/avr" >&2
	for board in mega uno; do
		avr-size -A "$out/avr/$board.elf" | awk -v n="$board, all of it" '
			$1 == ".text" {code += $2}
			$1 == ".data" {code += $2; ram += $2}
			$1 == ".bss" {ram += $2}
			END {printf "%-26s %8d %8d\n", n, code, ram}'
	done
}

golden=micro/sizes.golden
case ${1:-} in
--update) table >"$out/table" && cp "$out/table" $golden ;;
--check) diff -u $golden <(table) || { echo "micro-sizes: if that is meant, run tools/micro-sizes.sh --update" >&2; exit 1; } ;;
*) table ;;
esac
