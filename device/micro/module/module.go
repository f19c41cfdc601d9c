package module

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"fescue.dev/fescue/fail"
)

// Features of a machine, which its builds may lack. The numbers are those of `vm` in a
// board's HELLO.
type Features int

// The bits of Features.
const (
	Int64 Features = 1 << iota
	Float32
	Float64
	BulkMemory
)

// String names the features: "64-bit integers, f32".
func (f Features) String() string {
	var names []string
	for i, name := range []string{"64-bit integers", "f32", "f64", "bulk memory"} {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// Function is what a module imports or exports. Its type is written "ii:i": i, I, f, F
// are i32, i64, f32, f64, results behind the colon.
type Function struct{ Module, Name, Type string }

// Info is what is known of a module. Sizes are in bytes.
type Info struct {
	Size    int // of the module
	Code    int // of its functions
	Data    int // of its data with initial values
	Stack   int // of C's stack, if the linker put it first in memory
	Memory  int // of linear memory that it cannot do without
	Pages   int // of 64 KiB that it declares
	Needs   Features
	Imports []Function
	Exports []Function

	types, functions, globals, elements, segments, branches int
	values                                                  []int // of the globals
}

// features are what micro/core has beyond version 1 of the specification.
const features = api.CoreFeaturesV1 | api.CoreFeatureSignExtensionOps | api.CoreFeatureMultiValue |
	api.CoreFeatureNonTrappingFloatToIntConversion | api.CoreFeatureBulkMemoryOperations

// Read checks a module and looks into it. What is no module is fail.Invalid.
func Read(ctx context.Context, code []byte) (*Info, error) {
	const op = "read module"
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	defer func() { _ = r.Close(ctx) }() // nothing was run
	m, err := r.CompileModule(ctx, code)
	if err != nil {
		return nil, fail.New(fail.Invalid, op, "it is no WebAssembly that a microcontroller can run: %w", err)
	}
	i := &Info{Size: len(code)}
	for _, f := range m.ImportedFunctions() {
		from, name, _ := f.Import()
		i.Imports = append(i.Imports, Function{from, name, typeOf(f)})
	}
	exports := m.ExportedFunctions()
	for _, name := range slices.Sorted(maps.Keys(exports)) {
		i.Exports = append(i.Exports, Function{Name: name, Type: typeOf(exports[name])})
	}
	if err := i.sections(code); err != nil {
		return nil, fail.Wrap(err, fail.Invalid, op, "")
	}
	return i, nil
}

func typeOf(f api.FunctionDefinition) string {
	letters := func(types []api.ValueType) string {
		var s []byte
		for _, t := range types {
			s = append(s, "FfIi"[t-api.ValueTypeF64])
		}
		return string(s)
	}
	return letters(f.ParamTypes()) + ":" + letters(f.ResultTypes())
}

// Export finds an exported function.
func (i *Info) Export(name string) (Function, bool) {
	at := slices.IndexFunc(i.Exports, func(f Function) bool { return f.Name == name })
	if at < 0 {
		return Function{}, false
	}
	return i.Exports[at], true
}

// Tables is how many bytes of a board's memory the module's tables take, beside the
// operands' stack and linear memory, where a slot of the stack has so many bytes: 8, or 4
// on a machine without 64-bit integers.
func (i *Info) Tables(slot int) int {
	// The sizes of fescue_vm.h with two-byte offsets.
	n := 6*i.types + 12*i.functions + (slot+1)*i.globals + 2*i.elements + 12*i.segments + 8*i.branches
	return (n + 7) &^ 7
}
