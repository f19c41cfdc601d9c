package micro

import (
	"strconv"
	"strings"

	"fescue.dev/fescue/device/micro/module"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Facts are what a board said of itself in its HELLO.
type Facts struct {
	ID        string // the device's name, as it was enrolled
	Platform  spec.Platform
	Memory    int // bytes that each function has for everything
	Stack     int // bytes of these for operands and calls; 0: it did not say
	Module    int // bytes of the largest module
	Slots     int
	Functions int // that run side by side
	Machine   module.Features
	Host      Host
	Signed    bool // takes only signed modules
	MaxBody   int  // bytes of the largest frame's body that it takes
}

// Host is what of the host interface a board has beyond what all have.
type Host int

// The bits of a Host.
const (
	HostState Host = 1 << iota
	HostTime
	HostGPIO
	HostADC
	HostI2C
)

// String names what there is: "state, gpio".
func (h Host) String() string {
	var names []string
	for i, name := range []string{"state", "time", "gpio", "adc", "i2c"} {
		if h&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// parseFacts reads "micro/uno memory=900 module=384 …".
func parseFacts(h wire.HelloBody) (Facts, error) {
	words := strings.Fields(string(h.Client))
	f := Facts{ID: string(h.Token), MaxBody: int(min(h.MaxBody, wire.MaxLength))}
	if len(words) == 0 || !strings.HasPrefix(words[0], "micro/") {
		return f, fail.New(fail.Invalid, "greet microcontroller", "it calls itself %q, not micro/ and a board", h.Client)
	}
	f.Platform = spec.Platform(words[0])
	machine, host, signed := 0, 0, 0
	fields := map[string]*int{
		"memory": &f.Memory, "stack": &f.Stack, "module": &f.Module, "slots": &f.Slots, "functions": &f.Functions, "vm": &machine, "host": &host, "signed": &signed,
	}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		if field := fields[key]; field != nil {
			*field, _ = strconv.Atoi(value)
		}
	}
	f.Machine, f.Host, f.Signed = module.Features(machine), Host(host), signed != 0
	return f, nil
}

// Describe gives the facts as a device tells them.
func (f Facts) Describe() map[string]string {
	return map[string]string{
		"memory": strconv.Itoa(f.Memory), "stack": strconv.Itoa(f.Stack), "module": strconv.Itoa(f.Module), "slots": strconv.Itoa(f.Slots),
		"functions": strconv.Itoa(f.Functions), "runtime.wasm": strings.TrimSuffix("wasm, integers, "+f.Machine.String(), ", "),
		"host": f.Host.String(), "signed": strconv.FormatBool(f.Signed),
	}
}

// FactsOf reads what [Facts.Describe] gave.
func FactsOf(platform spec.Platform, described map[string]string) Facts {
	f := Facts{Platform: platform, Signed: described["signed"] == "true"}
	for key, field := range map[string]*int{
		"memory": &f.Memory, "stack": &f.Stack, "module": &f.Module, "slots": &f.Slots, "functions": &f.Functions,
	} {
		*field, _ = strconv.Atoi(described[key])
	}
	for bit := module.Int64; bit <= module.BulkMemory; bit <<= 1 {
		if strings.Contains(described["runtime.wasm"], bit.String()) {
			f.Machine |= bit
		}
	}
	for bit := HostState; bit <= HostI2C; bit <<= 1 {
		if strings.Contains(described["host"], bit.String()) {
			f.Host |= bit
		}
	}
	return f
}
