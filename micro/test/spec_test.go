package test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

// The specification's tests, as wast2json writes them.
type specFile struct {
	Commands []specCommand `json:"commands"`
}

type specCommand struct {
	Type     string      `json:"type"`
	Line     int         `json:"line"`
	Name     string      `json:"name"`
	Filename string      `json:"filename"`
	Kind     string      `json:"module_type"`
	Text     string      `json:"text"`
	Action   specAction  `json:"action"`
	Expected []specValue `json:"expected"`
}

type specAction struct {
	Type   string      `json:"type"`
	Module string      `json:"module"`
	Field  string      `json:"field"`
	Args   []specValue `json:"args"`
}

type specValue struct {
	Type  string `json:"type"`
	Value any    `json:"value"`
}

// bits is a number's value as it stands in the file: decimal bits.
func (v specValue) bits() (uint64, bool) {
	s, ok := v.Value.(string)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && slices.Contains([]string{"i32", "i64", "f32", "f64"}, v.Type)
}

// accepts tells whether a result is what the value stands for.
func (v specValue) accepts(got uint64) bool {
	s, _ := v.Value.(string)
	quiet, payload := uint64(1)<<51, uint64(1)<<51-1
	infinity := uint64(0x7ff) << 52
	if v.Type == "f32" {
		quiet, payload, infinity = 1<<22, 1<<22-1, 0xff<<23
	}
	switch s {
	case "nan:canonical":
		return got&(infinity|quiet|payload) == infinity|quiet
	case "nan:arithmetic":
		return got&(infinity|quiet) == infinity|quiet
	}
	want, ok := v.bits()
	return ok && got == want
}

// trapKinds maps the specification's words to the machine's numbers.
var trapKinds = map[string]string{
	"unreachable": "1", "out of bounds memory access": "2", "integer divide by zero": "3", "integer overflow": "4",
	"invalid conversion to integer": "5", "undefined element": "6", "undefined": "6", "out of bounds table access": "6",
	"uninitialized element": "7", "uninitialized": "7", "indirect call type mismatch": "8", "indirect call": "8",
	"call stack exhausted": "9",
}

// Statuses of load, as fescue_vm.h numbers them.
const (
	refusedUnsupported = "refused 3"
	refusedImport      = "refused 4"
)

// specRun counts what a file's assertions came to.
type specRun struct {
	t       *testing.T
	vm      *machine
	dir     string
	name    string
	loaded  bool
	passed  int
	skipped int
}

func (r *specRun) fault(c specCommand, format string, args ...any) {
	r.t.Helper()
	r.t.Errorf("line %d: %s %s: %s", c.Line, c.Type, c.Action.Field, fmt.Sprintf(format, args...))
}

func (r *specRun) read(c specCommand) []byte {
	data, err := os.ReadFile(filepath.Join(r.dir, c.Filename))
	if err != nil {
		r.t.Fatal(err)
	}
	return data
}

func (r *specRun) run(c specCommand) {
	switch c.Type {
	case "module":
		r.module(c)
	case "assert_invalid", "assert_malformed":
		r.refused(c)
	case "assert_return", "action", "assert_trap", "assert_exhaustion":
		r.action(c)
	case "assert_uninstantiable":
		r.uninstantiable(c)
	default: // register, assert_unlinkable: linking of modules with each other
		r.skipped++
	}
}

// module loads one. What the machine does not claim (imports other than
// functions, reference types, …) it must refuse as unsupported, not as wrong.
func (r *specRun) module(c specCommand) {
	switch status := r.vm.load(r.read(c), 0); status {
	case "ok":
		r.loaded = true
		r.passed++
	case refusedUnsupported, refusedImport:
		r.loaded = false
		r.skipped++
	default:
		r.loaded = false
		r.fault(c, "%s of %s", status, c.Filename)
	}
}

// lifted are limits of version 1 that version 2 has taken away: by the reason,
// or by the place (operands of br_table where no code gets to).
var lifted = []string{"invalid result arity", "v1/unreached-invalid:539"}

func (r *specRun) refused(c specCommand) {
	if c.Kind == "text" {
		return // about the text format, which no device reads
	}
	if slices.Contains(lifted, c.Text) || slices.Contains(lifted, fmt.Sprintf("%s:%d", r.name, c.Line)) {
		r.skipped++
		return
	}
	r.loaded = false
	switch status := r.vm.load(r.read(c), 0); status {
	case "refused 1", "refused 2":
		r.passed++
	case refusedUnsupported, refusedImport:
		r.skipped++
	default:
		r.fault(c, "%s of %s, want it refused: %s", status, c.Filename, c.Text)
	}
}

func (r *specRun) uninstantiable(c specCommand) {
	r.loaded = false
	switch status := r.vm.load(r.read(c), 0); {
	case strings.HasPrefix(status, "trap"):
		r.passed++
	case status == refusedUnsupported, status == refusedImport:
		r.skipped++
	default:
		r.fault(c, "%s of %s, want a trap: %s", status, c.Filename, c.Text)
	}
}

func (r *specRun) action(c specCommand) {
	var args []uint64
	plain := r.loaded && c.Action.Type == "invoke" && c.Action.Module == ""
	for _, a := range c.Action.Args {
		n, ok := a.bits()
		plain = plain && ok
		args = append(args, n)
	}
	if !plain {
		r.skipped++
		return
	}
	got := r.vm.call(2_000_000_000, c.Action.Field, args...)
	if c.Type == "assert_trap" || c.Type == "assert_exhaustion" {
		r.trapped(c, got)
		return
	}
	r.returned(c, got)
}

func (r *specRun) trapped(c specCommand, got []string) {
	text, _, _ := strings.Cut(c.Text, " 2") // "uninitialized element 2" names the element
	want, known := trapKinds[text]
	switch {
	case !known:
		r.fault(c, "a trap %q that this test does not know", c.Text)
	case len(got) < 2 || got[0] != "trap" || got[1] != want:
		r.fault(c, "%v, want trap %s: %s", got, want, c.Text)
	default:
		r.passed++
	}
}

func (r *specRun) returned(c specCommand, got []string) {
	if len(got) != len(c.Expected)+1 && c.Type != "action" || got[0] != "ok" {
		r.fault(c, "%v, want %v", got, c.Expected)
		return
	}
	for i, want := range c.Expected {
		bits, err := strconv.ParseUint(got[i+1], 16, 64)
		if err != nil || !want.accepts(bits) {
			r.fault(c, "result %d is %s, want %v", i, got[i+1], want)
			return
		}
	}
	r.passed++
}

// wazeroDir is where the wazero module, and with it the vectors, is.
func wazeroDir(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// beyond are files about proposals that the machine does not claim.
var beyond = []string{"simd_", "ref_", "table_get", "table_set", "table_grow", "table_size", "table_fill"}

// TestSpecification passes the WebAssembly specification's vectors: version 1, and
// of version 2 what the machine claims. How many assertions of a file passed and
// how many do not concern the machine is kept in a golden file, so that none
// can go missing unseen.
func TestSpecification(t *testing.T) {
	root := wazeroDir(t)
	for _, build := range []struct {
		name  string
		flags []string
	}{
		{"small", []string{"-DFESCUE_VM_NATIVE=0"}},
		{"large, fast", []string{"-DFESCUE_VM_LARGE=1", "-DFESCUE_VM_SPEED=2"}},
	} {
		t.Run(build.name, func(t *testing.T) {
			program := compile(t, "harness/vm.c", append(slices.Clone(sanitised), build.flags...)...)
			var table strings.Builder
			for _, version := range []string{"v1", "v2"} {
				specVersion(t, program, filepath.Join(root, "internal/integration_test/spectest", version, "testdata"), version, &table)
			}
			golden(t, "testdata/spec.golden", table.String())
		})
	}
}

func specVersion(t *testing.T, program, dir, version string, table *strings.Builder) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors in %s", dir)
	}
	vm := startMachine(t, program)
	passed, skipped := 0, 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if slices.ContainsFunc(beyond, func(b string) bool { return strings.HasPrefix(name, b) }) {
			continue
		}
		t.Run(version+"/"+name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var spec specFile
			if err := json.Unmarshal(data, &spec); err != nil {
				t.Fatal(err)
			}
			r := &specRun{t: t, vm: vm, dir: dir, name: version + "/" + name}
			for _, c := range spec.Commands {
				r.run(c)
			}
			passed, skipped = passed+r.passed, skipped+r.skipped
			fmt.Fprintf(table, "%s %-26s %5d passed %4d skipped\n", version, name, r.passed, r.skipped)
		})
	}
	fmt.Fprintf(table, "%s %-26s %5d passed %4d skipped\n", version, "total", passed, skipped)
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; if that is meant, run with -update\n got:\n%s", file, got)
	}
}
