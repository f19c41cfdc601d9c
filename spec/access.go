package spec

import (
	"net/netip"
	"path"
	"strconv"
	"strings"

	"fescue.dev/fescue/fail"
)

// Endpoint is where an application may connect to: HOST:PORT, a name, an IPv4 address or
// an IPv6 address in brackets and a TCP port; with /udp after it, a UDP port; or [Anywhere].
type Endpoint string

// Anywhere is the endpoint that stands for the device's whole network.
const Anywhere Endpoint = "*"

const endpointHint = "Write HOST:PORT, such as api.example.com:443, 192.168.1.10:502, [2001:db8::7]:443 or localhost:1883, with /udp after it for datagrams; or '*' alone for the device's whole network."

// datagrams ends an endpoint of UDP.
const datagrams = "/udp"

// Validate tells what is wrong with the endpoint.
func (e Endpoint) Validate() error {
	if e == Anywhere {
		return nil
	}
	host, port, ok := e.cut()
	switch number, err := strconv.ParseUint(port, 10, 16); {
	case !ok:
		return fail.New(fail.Invalid, "", "%q is not HOST:PORT", clip(string(e))).WithHint(endpointHint)
	case err != nil || number == 0 || port != strconv.FormatUint(number, 10):
		return fail.New(fail.Invalid, "", "%q is not a port", clip(port)).WithHint(endpointHint)
	case !isHost(host):
		return fail.New(fail.Invalid, "", "%q is neither the name of a host nor an address", clip(host)).WithHint(endpointHint)
	}
	return nil
}

// cut gives the host as it is written: an IPv6 address in brackets.
func (e Endpoint) cut() (host, port string, ok bool) {
	text := strings.TrimSuffix(string(e), datagrams)
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return "", "", false
	}
	return text[:at], text[at+1:], true
}

// Host is a valid endpoint's host, an IPv6 address without brackets; "" of [Anywhere].
func (e Endpoint) Host() string {
	host, _, _ := e.cut()
	return strings.Trim(host, "[]")
}

// Port is a valid endpoint's port; 0 of [Anywhere].
func (e Endpoint) Port() int {
	_, port, _ := e.cut()
	number, _ := strconv.Atoi(port)
	return number
}

// Network is "udp" or "tcp".
func (e Endpoint) Network() string {
	if strings.HasSuffix(string(e), datagrams) {
		return "udp"
	}
	return "tcp"
}

// Address is the host as an address, if it is one.
func (e Endpoint) Address() (netip.Addr, bool) {
	a, err := netip.ParseAddr(e.Host())
	return a, err == nil
}

func isHost(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	if host[0] == '[' {
		return isIPv6(host)
	}
	numeric := true
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return false
			}
			numeric = numeric && r >= '0' && r <= '9'
		}
	}
	if !numeric {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Is4() && !a.IsUnspecified() && !a.IsMulticast()
}

// isIPv6 takes an address in brackets, as RFC 5952 writes it: so each has one spelling. One of
// the link alone would need an interface's name.
func isIPv6(host string) bool {
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.Is6() && !a.Is4In6() && host == "["+a.String()+"]" && a.Zone() == "" &&
		!a.IsUnspecified() && !a.IsMulticast() && !a.IsLinkLocalUnicast()
}

func clip(text string) string {
	if len(text) > 100 {
		return text[:100] + "…"
	}
	return text
}

// DevicePath is a device of the machine that an application may use:
// /dev/ttyUSB0.
type DevicePath string

// Validate tells what is wrong with the path.
func (d DevicePath) Validate() error {
	p := string(d)
	if !strings.HasPrefix(p, "/dev/") || path.Clean(p) != p || len(p) > 200 || strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return fail.New(fail.Invalid, "", "%q is not the path of a device", clip(p)).WithHint("Write it as /dev/ttyUSB0 or /dev/serial/by-id/….")
	}
	return nil
}

// AllowsDevice tells whether one of the patterns (path.Match) of a machine's policy
// allows the device.
func AllowsDevice(patterns []string, d DevicePath) bool {
	for _, pattern := range patterns {
		if ok, _ := path.Match(pattern, string(d)); ok { // a malformed one allows nothing
			return true
		}
	}
	return false
}
