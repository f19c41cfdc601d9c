package micro_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/device/micro/module"
	"fescue.dev/fescue/device/micro/toolchain"
	"fescue.dev/fescue/sdk"
)

// built compiles a function, in C unless its text says otherwise.
func built(t *testing.T, file, source string) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	headers, err := sdk.ExtractWasm(filepath.Join(dir, "sdk"))
	if err != nil {
		t.Fatal(err)
	}
	output := filepath.Join(dir, "out", "f.wasm")
	if err := (toolchain.Build{Dir: dir, Output: output, SDK: headers, Stack: 96, Warnings: t.Output()}).Run(t.Context()); err != nil {
		t.Fatalf("%v (make micro-deps installs the compilers)", err)
	}
	code, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

const small = `#include <fescue.h>
static int n;
FESCUE_HANDLER int handle(void) { return fescue_reply(&n, sizeof n); }
`

// What does not work on a board is refused before a byte is sent, and told why.
func TestCheck(t *testing.T) {
	mega, err := micro.BoardOf("mega")
	if err != nil {
		t.Fatal(err)
	}
	whole := mega
	whole.Machine, whole.Host = module.Int64|module.Float32|module.Float64|module.BulkMemory, micro.HostGPIO
	for name, c := range map[string]struct {
		source, handler string
		board           micro.Facts
		want            string
	}{
		"good":              {source: small, board: mega},
		"no such export":    {source: small, handler: "f.wasm:other", board: mega, want: `it exports no function "other"`},
		"too large a stack": {source: "#include <fescue.h>\nstatic char b[1200];\nFESCUE_HANDLER int handle(void) { return fescue_event(b, sizeof b); }", board: mega, want: "(1296 of its own, "},
		"parameters": {source: `__attribute__((export_name("handle"))) int handle(int n) { return n; }`, board: mega,
			want: `"handle" must have no parameters`},
		"another host": {source: `__attribute__((import_module("env"), import_name("puts"))) extern void puts_(void);
			__attribute__((export_name("handle"))) int handle(void) { puts_(); return 0; }`, board: mega, want: "it imports env.puts, which a microcontroller does not have"},
		"another type": {source: `__attribute__((import_module("fescue"), import_name("log"))) extern void log_(int n);
			__attribute__((export_name("handle"))) int handle(void) { log_(1); return 0; }`, board: mega, want: "with the type i:, which should be iii:"},
		"64 bits":  {source: "#include <fescue.h>\nFESCUE_HANDLER int handle(void) { return fescue_clock() > 5; }", board: mega, want: "it imports fescue.clock, and this board has no 64-bit integers"},
		"floats":   {source: "#include <fescue.h>\nfloat x;\nFESCUE_HANDLER int handle(void) { return x * 2.5f > 3; }", board: mega, want: "it computes with f32, which this board's machine does not have"},
		"good too": {source: "#include <fescue.h>\nvolatile double x;\nFESCUE_HANDLER int handle(void) { return x * 2.5 > 3 ? fescue_gpio_read(4) : (int)fescue_time(); }", board: whole},
		"no pins":  {source: "#include <fescue.h>\nFESCUE_HANDLER int handle(void) { return fescue_adc_read(4); }", board: whole, want: "it imports fescue.adc_read, and this board has no adc"},
		"large": {source: "#include <fescue.h>\nstatic char b[900] = {1, 2, 3, 4};\nFESCUE_HANDLER int handle(void) { b[7]++; return fescue_reply(b, sizeof b); }", board: mega,
			want: "the board has room for 768"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.handler == "" {
				c.handler = "f.wasm:handle"
			}
			err := micro.Check(t.Context(), built(t, "f.c", c.source), c.handler, c.board)
			if c.want == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v; want an error with %q", err, c.want)
			}
		})
	}
	t.Run("no module", func(t *testing.T) {
		if err := micro.Check(t.Context(), []byte("not WebAssembly"), "f.wasm:handle", mega); err == nil || !strings.Contains(err.Error(), "it is no WebAssembly") {
			t.Errorf("it was not refused: %v", err)
		}
	})
}

// A module says how much memory it needs, and how its stack is laid.
func TestModule(t *testing.T) {
	code := built(t, "f.cpp", `#include <fescue.h>
struct Buffer { char bytes[200]; Buffer() { bytes[3] = 7; } ~Buffer() { bytes[3] = 0; } };
static Buffer buffer;
FESCUE_HANDLER int handle(void) { return fescue_event(buffer.bytes, sizeof buffer.bytes); }
`)
	m, err := module.Read(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	if m.Stack != 96 || m.Memory < 296 || m.Memory > 320 || m.Pages != 1 || m.Size != len(code) || m.Needs != 0 {
		t.Errorf("%+v", m)
	}
	if _, ok := m.Export("_initialize"); !ok {
		t.Error("nothing runs the constructor")
	}
	if f, ok := m.Export("handle"); !ok || f.Type != ":i" {
		t.Errorf("handle: %+v", f)
	}
}

// What a device tells of itself is enough to check modules for it.
func TestFacts(t *testing.T) {
	for _, f := range micro.Boards() {
		f.Host = micro.HostGPIO | micro.HostState
		if got := micro.FactsOf(f.Platform, f.Describe()); got != f {
			t.Errorf("%+v came back as %+v", f, got)
		}
	}
}
