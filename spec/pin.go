package spec

import (
	"strconv"
	"strings"

	"fescue.dev/fescue/fail"
)

// Pin is a part of a microcontroller that a function may use: gpio/NUMBER, adc/NUMBER, or
// i2c/ADDRESS, the address decimal or as 0x48.
type Pin string

const pinHint = "Write gpio/13 or adc/0 with the board's number of the pin, or i2c/0x48 with the device's address on the bus."

// pinKinds are what a pin can be, with the largest number of each.
var pinKinds = map[string]uint64{"gpio": 255, "adc": 255, "i2c": 0x77}

// Validate tells what is wrong with the pin.
func (p Pin) Validate() error {
	kind, text, _ := strings.Cut(string(p), "/")
	most, known := pinKinds[kind]
	n, err := strconv.ParseUint(text, 0, 16)
	switch {
	case !known || err != nil:
		return fail.New(fail.Invalid, "", "%q is not a pin", clip(string(p))).WithHint(pinHint)
	case n > most:
		return fail.New(fail.Invalid, "", "%q is beyond the largest number, %d", clip(text), most).WithHint(pinHint)
	}
	return nil
}

// Parts are a valid pin's kind ("gpio", "adc", "i2c") and its number.
func (p Pin) Parts() (kind string, number int) {
	kind, text, _ := strings.Cut(string(p), "/")
	n, _ := strconv.ParseUint(text, 0, 16)
	return kind, int(n)
}
