package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Names that survive replugging are told where the system has them.
func TestSerialPorts(t *testing.T) {
	dev := t.TempDir()
	touch := func(name string) string {
		path := filepath.Join(dev, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if got := serialPorts(dev); len(got) != 0 {
		t.Errorf("without any: %v", got)
	}
	usb, acm := touch("ttyUSB0"), touch("ttyACM1")
	touch("tty1")
	if got := serialPorts(dev); !slices.Equal(got, []string{acm, usb}) {
		t.Errorf("%v, want both", got)
	}
	stable := touch("serial/by-id/usb-Arduino_Mega_1234-if00")
	if got := serialPorts(dev); !slices.Equal(got, []string{stable}) {
		t.Errorf("%v, want %s alone", got, stable)
	}
}
