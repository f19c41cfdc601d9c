package spec

import (
	"strings"
	"testing"
)

func TestEndpoints(t *testing.T) {
	for _, good := range []Endpoint{"*", "localhost:1883", "api.example.com:443", "192.168.1.10:502", "a_b.local:1", "x:65535", "xn--bcher-kva.example:80", "127.0.0.1:80", "[::1]:80", "[2001:db8::7]:443", "time.example.com:123/udp", "192.168.1.10:161/udp", "[2001:db8::7]:53/udp"} {
		if err := good.Validate(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []Endpoint{
		"", "host", "host:", ":80", "host:0", "host:65536", "host:080", "host:+80", "host:http", "**", "*:80", "a b:80", "Host:80", "-a:80", "a-:80", "a..b:80",
		"1.2.3:80", "1.2.3.4.5:80", "999.1.1.1:80", "0.0.0.0:80", "224.0.0.1:80", "::1:80", "[::]:80", "[ff02::1]:80", "[fe80::1]:80", "[fe80::1%eth0]:80", "[2001:DB8::7]:80", "[2001:db8:0:0::7]:80", "[::ffff:1.2.3.4]:80", "[1.2.3.4]:80",
		"[::1:80", "[::1]80", "[]:80", "[name]:80", "host:80/tcp", "host:80/UDP", "host:80/udp/udp", "host/udp:80", "*/udp", "host/x:80", "user@host:80", Endpoint(strings.Repeat("a", 64) + ":80"),
		"host:80\n", "host\x00:80",
	} {
		if bad.Validate() == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	if e := Endpoint("api.example.com:443"); e.Host() != "api.example.com" || e.Port() != 443 {
		t.Errorf("%s %d", e.Host(), e.Port())
	}
	if a, ok := Endpoint("10.0.0.1:80").Address(); !ok || a.String() != "10.0.0.1" {
		t.Error(a)
	}
	if e := Endpoint("[2001:db8::7]:53/udp"); e.Host() != "2001:db8::7" || e.Port() != 53 || e.Network() != "udp" || Endpoint("a:53").Network() != "tcp" {
		t.Errorf("%s %d %s", e.Host(), e.Port(), e.Network())
	}
	if _, ok := Endpoint("ten:80").Address(); ok {
		t.Error("a name is no address")
	}
}

func TestDevicePaths(t *testing.T) {
	for _, good := range []DevicePath{"/dev/ttyUSB0", "/dev/serial/by-id/usb-FTDI_x-if00-port0", "/dev/gpiochip0"} {
		if err := good.Validate(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []DevicePath{"", "ttyUSB0", "/dev", "/dev/", "/dev/../etc/shadow", "/dev//x", "/dev/x/", "/sys/x", "/dev/a b", "/dev/a\x00", "/device/x"} {
		if bad.Validate() == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	for d, want := range map[DevicePath]bool{"/dev/ttyUSB0": true, "/dev/ttyUSB12": true, "/dev/video0": true, "/dev/sda": false, "/dev/ttyUSB0/x": false} {
		if got := AllowsDevice([]string{"[", "/dev/ttyUSB*", "/dev/video0"}, d); got != want {
			t.Errorf("%s: %v", d, got)
		}
	}
	if AllowsDevice(nil, "/dev/null") {
		t.Error("no policy allows something")
	}
}
