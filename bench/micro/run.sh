#!/usr/bin/env bash
# Measures the virtual machine against native code on an emulated Cortex-M3, in
# ticks that are instructions (-icount), for each build. Repeatable to the tick.
set -euo pipefail
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
bare=../../micro/ports/bare

clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry,--stack-first,-z,stack-size=256,--strip-all -o "$out/kernels.wasm" kernels.c
printf '%-22s %10s %12s %6s\n' build/kernel native interpreted times
for build in "small:-Os" "switch:-O2" "fast:-O2 -DFESCUE_VM_SPEED=2"; do
	read -ra flags <<<"${build#*:}"
	arm-none-eabi-gcc --specs=nano.specs -mcpu=cortex-m3 -mthumb -std=gnu99 -O2 -ffreestanding -c kernels.c -o "$out/kernels.o"
	arm-none-eabi-gcc --specs=nano.specs -mcpu=cortex-m3 -mthumb -T $bare/cortex_m.ld -std=gnu99 "${flags[@]}" -ffreestanding -nostartfiles \
		-Wl,--defsym=__flash_size=4M,--defsym=__ram_size=4M "-DMODULE=\"$out/kernels.wasm\"" -o "$out/bench.elf" \
		main.c "$out/kernels.o" ../../micro/core/vm_*.c $bare/cortex_m.c
	timeout 120 qemu-system-arm -M mps2-an385 -icount shift=3 -display none -monitor none -serial none -kernel "$out/bench.elf" \
		-semihosting-config enable=on,target=native 2>&1 |
		while read -r kernel native interpreted verdict; do
			[[ $verdict == ok ]] || { echo "$kernel: $verdict" >&2; exit 1; }
			if [[ $kernel == load ]]; then
				printf '%-22s %10s %12s\n' "${build%%:*}/load-bytes" "$native" "$interpreted"
			else
				printf '%-22s %10s %12s %6s\n' "${build%%:*}/$kernel" "$native" "$interpreted" $((interpreted / native))
			fi
		done
done
