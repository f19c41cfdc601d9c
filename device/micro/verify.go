package micro

import (
	"cmp"
	"context"

	"fescue.dev/fescue/device/micro/module"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// verify tells whether an application can work on the board, before a byte of it is
// sent.
func (d *Device) verify(ctx context.Context, a spec.DesiredApplication, p program) error {
	const op = "check for microcontroller"
	c := &a.Configuration
	if !c.Platform.Matches(d.Platform) {
		return fail.New(fail.Unsupported, op, "it is for the platform %s, this device is %s", c.Platform, d.Platform).On("platform").
			WithHint("Write platform: micro.")
	}
	if c.Runtime.Name() != spec.RuntimeWasm {
		return fail.New(fail.Unsupported, op, "microcontrollers run WebAssembly, not %s", c.Runtime.Name()).On("runtime")
	}
	for _, t := range c.Triggers {
		if t.Topic == "" {
			return fail.New(fail.Unsupported, op, "of the triggers only topics reach a microcontroller").On("triggers").
				WithHint("Let a function on the gateway publish on a topic.")
		}
	}
	b, err := d.present(ctx)
	if err != nil {
		return err
	}
	if b.Facts.Signed && p.signature == nil {
		return fail.New(fail.Denied, op, "the board takes only signed modules, and this one is not").
			WithHint("fescue build --sign-key FILE, with the key that the board was provisioned with.")
	}
	return Check(ctx, p.code, c.Handler, b.Facts)
}

// Check tells whether a module can work on a board of these facts.
func Check(ctx context.Context, code []byte, handler string, f Facts) error {
	if len(code) > f.Module {
		return fail.New(fail.TooLarge, checkOp, "it has %d bytes, the board has room for %d", len(code), f.Module).
			WithHint("fescue build compiles for size; by hand: -Os and -Wl,--strip-all.")
	}
	m, err := module.Read(ctx, code)
	if err != nil {
		return err
	}
	return cmp.Or(checkImports(m, f), checkHandler(m, exportOf(handler)), checkMachine(m, f), checkMemory(m, f))
}

// hostFunctions are those of the module fescue (sdk/wasm.md): their types, and what a
// board must have for them. Without a store state_get gives a code; that is no reason
// to refuse a module.
var hostFunctions = map[string]struct {
	kind  string
	host  Host
	needs module.Features
}{
	"event": {kind: "ii:i"}, "topic": {kind: "ii:i"}, "reply": {kind: "ii:i"}, "fail": {kind: "ii:"}, "publish": {kind: "iiii:i"},
	"state_get": {kind: "iiii:i"}, "state_set": {kind: "iiii:i"}, "log": {kind: "iii:"},
	"clock": {kind: ":I", needs: module.Int64}, "time": {kind: ":I", needs: module.Int64},
	"gpio_mode": {kind: "ii:i", host: HostGPIO}, "gpio_write": {kind: "ii:i", host: HostGPIO}, "gpio_read": {kind: "i:i", host: HostGPIO},
	"adc_read": {kind: "i:i", host: HostADC}, "i2c": {kind: "iiiii:i", host: HostI2C},
}

const checkOp = "check module"

func checkImports(m *module.Info, f Facts) error {
	for _, i := range m.Imports {
		h, ok := hostFunctions[i.Name]
		switch {
		case i.Module != "fescue" || !ok:
			return fail.New(fail.Unsupported, checkOp, "it imports %s.%s, which a microcontroller does not have", i.Module, i.Name).
				WithHint("sdk/wasm.md lists what there is; compile with fescue build, or -nostdlib.")
		case i.Type != h.kind:
			return fail.New(fail.Invalid, checkOp, "it imports fescue.%s with the type %s, which should be %s", i.Name, i.Type, h.kind).
				WithHint("Use the declarations of sdk/wasm/fescue.h.")
		case h.needs&^f.Machine != 0:
			return fail.New(fail.Unsupported, checkOp, "it imports fescue.%s, and this board has no %v", i.Name, h.needs)
		case h.host&^f.Host != 0:
			return fail.New(fail.Unsupported, checkOp, "it imports fescue.%s, and this board has no %v", i.Name, h.host)
		}
	}
	return nil
}

func checkHandler(m *module.Info, name string) error {
	h, ok := m.Export(name)
	if !ok {
		return fail.New(fail.Invalid, checkOp, "it exports no function %q", name).On("handler")
	}
	if h.Type != ":" && h.Type != ":i" {
		return fail.New(fail.Invalid, checkOp, "%q must have no parameters and give nothing or an i32", name).On("handler")
	}
	return nil
}

func checkMachine(m *module.Info, f Facts) error {
	if missing := m.Needs &^ f.Machine; missing != 0 {
		return fail.New(fail.Unsupported, checkOp, "it computes with %v, which this board's machine does not have", missing).
			WithHint("Use 32-bit integers, fixed-point ones instead of floats.")
	}
	return nil
}

// Need is how many bytes of a board's memory for a function a module takes.
func Need(m *module.Info, f Facts) int {
	return m.Tables(slotOf(f)) + f.Stack + m.Memory
}

// slotOf is the size of an operand on a board's machine.
func slotOf(f Facts) int {
	if f.Machine&module.Int64 == 0 {
		return 4
	}
	return 8
}

func checkMemory(m *module.Info, f Facts) error {
	if need := Need(m, f); need > f.Memory {
		return fail.New(fail.TooLarge, checkOp, "it needs %d bytes of memory (%d of its own, %d for its tables, %d for operands and calls), the board has %d for a function",
			need, m.Memory, m.Tables(slotOf(f)), f.Stack, f.Memory).
			WithHint("Smaller buffers, or a smaller stack: fescue build --stack.")
	}
	return nil
}
