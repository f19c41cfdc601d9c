package spec

import "testing"

func TestPins(t *testing.T) {
	for pin, want := range map[Pin]int{"gpio/13": 13, "adc/0": 0, "i2c/0x48": 0x48, "i2c/72": 72, "gpio/255": 255} {
		if err := pin.Validate(); err != nil {
			t.Errorf("%q: %v", pin, err)
		}
		if _, n := pin.Parts(); n != want {
			t.Errorf("%q is number %d", pin, n)
		}
	}
	for _, bad := range []Pin{"", "gpio", "gpio/", "gpio/x", "gpio/-1", "gpio/256", "i2c/0x78", "spi/1", "gpio/1/2", "adc/ 1"} {
		if bad.Validate() == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
