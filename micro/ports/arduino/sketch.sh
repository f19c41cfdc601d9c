#!/usr/bin/env bash
# Compiles a sketch for an Arduino Mega as the IDE does: the core, the libraries Fescue
# (beside the examples) and Wire, the sketch with Arduino.h before it; warnings of our
# own files are errors. Debian's float.h for AVR lacks DECIMAL_DIG.
#
#     sketch.sh SKETCH-FOLDER PROGRAM [FLAGS…]
set -euo pipefail
sketch=$(realpath "$1") out=$2
shift 2
arduino=${ARDUINO:-/usr/share/arduino/hardware/arduino/avr}
library=$(realpath "${FESCUE_LIBRARY:-$sketch/../..}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wire=$arduino/libraries/Wire/src
flags=(-mmcu=atmega2560 -DF_CPU=16000000L -DARDUINO=10819 -DARDUINO_AVR_MEGA2560 -DARDUINO_ARCH_AVR -DDECIMAL_DIG=9 -Os -ffunction-sections -fdata-sections
	-I"$arduino/cores/arduino" -I"$arduino/variants/mega" -I"$wire" -I"$library/src" "$@")
cxx=(-std=gnu++11 -fpermissive -fno-exceptions -fno-threadsafe-statics)

compile() { # compile FILE FLAGS…
	local file=$1 object
	shift
	object=$work/$(echo "$file" | tr / _).o
	case $file in
	*.cpp) avr-g++ "${flags[@]}" "${cxx[@]}" "$@" -c "$file" -o "$object" ;;
	*) avr-gcc "${flags[@]}" "$@" -c "$file" -o "$object" ;;
	esac
}

for f in "$arduino"/cores/arduino/*.{c,cpp,S} "$wire"/*.cpp "$wire"/utility/*.c; do
	compile "$f" -w
done
for f in "$library"/src/*.c; do
	compile "$f" -std=gnu11 -Wall -Wextra -Werror
done
compile "$library/src/Fescue.cpp" -Wall -Werror
{ echo '#include <Arduino.h>'; echo "#line 1 \"$sketch\""; cat "$sketch"/*.ino; } >"$work/sketch.cpp"
compile "$work/sketch.cpp" -I"$sketch" -Wall -Werror
avr-gcc -mmcu=atmega2560 -Os -Wl,--gc-sections -o "$out" "$work"/*.o -lm
