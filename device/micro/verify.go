package micro

import (
	"context"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// features are what micro/core's virtual machine has beyond version 1.
const features = api.CoreFeaturesV1 | api.CoreFeatureSignExtensionOps | api.CoreFeatureMultiValue |
	api.CoreFeatureNonTrappingFloatToIntConversion | api.CoreFeatureBulkMemoryOperations

// hostFunctions are those of the module fescue (sdk/wasm.md).
var hostFunctions = []string{"event", "topic", "reply", "fail", "publish", "state_get", "state_set", "log", "clock", "time"}

// verify tells whether an application can work on the board, before a byte of it is
// sent.
func (d *Device) verify(ctx context.Context, a spec.DesiredApplication, code []byte) error {
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
	return Check(ctx, code, c.Handler, b.Facts)
}

// Check tells whether a module can work on a board of these facts.
func Check(ctx context.Context, code []byte, handler string, f Facts) error {
	const op = "check module"
	if len(code) > f.Module {
		return fail.New(fail.TooLarge, op, "it has %d bytes, the board has room for %d", len(code), f.Module).
			WithHint("Compile with -Os and strip it: -Wl,--strip-all.")
	}
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	defer func() { _ = r.Close(ctx) }() // nothing was run
	m, err := r.CompileModule(ctx, code)
	if err != nil {
		return fail.New(fail.Invalid, op, "it is no WebAssembly that a microcontroller can run: %w", err)
	}
	for _, i := range m.ImportedFunctions() {
		if err := checkImport(i, f); err != nil {
			return err
		}
	}
	return checkHandler(m, handler)
}

func checkImport(i api.FunctionDefinition, f Facts) error {
	from, name, _ := i.Import()
	if from != "fescue" || !slices.Contains(hostFunctions, name) {
		return fail.New(fail.Unsupported, "check module", "it imports %s.%s, which a microcontroller does not have", from, name).
			WithHint("sdk/wasm.md lists what there is; compile with -nostdlib.")
	}
	if (name == "clock" || name == "time") && f.Machine&Int64 == 0 {
		return fail.New(fail.Unsupported, "check module", "it imports fescue.%s, and this board has no 64-bit integers", name)
	}
	return nil
}

func checkHandler(m wazero.CompiledModule, handler string) error {
	name := exportOf(handler)
	h, ok := m.ExportedFunctions()[name]
	if !ok {
		return fail.New(fail.Invalid, "check module", "it exports no function %q", name).On("handler")
	}
	results := h.ResultTypes()
	if len(h.ParamTypes()) > 0 || len(results) > 1 || len(results) == 1 && results[0] != api.ValueTypeI32 {
		return fail.New(fail.Invalid, "check module", "%q must have no parameters and give nothing or an i32", name).On("handler")
	}
	return nil
}
