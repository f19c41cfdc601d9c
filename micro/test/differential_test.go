package test

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Value types of the binary format.
const (
	i32 = 0x7f
	i64 = 0x7e
	f32 = 0x7d
	f64 = 0x7c
)

// generator writes random functions whose types are right and which end: their
// loops count down.
type generator struct {
	random *rand.Rand
	code   []byte
	depth  int
	labels int // blocks around
}

// The function has two parameters of each type, and a counter for loops.
var localOf = map[byte]byte{i32: 0, i64: 2, f32: 4, f64: 6}

const counter = 8

func (g *generator) op(bytes ...byte) { g.code = append(g.code, bytes...) }

func signed(v int64) []byte {
	var b []byte
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// interesting are integers at which computations go wrong.
var interesting = []int64{0, 1, -1, 2, 7, 31, 32, 63, 64, math.MaxInt32, math.MinInt32, math.MaxUint32, math.MaxInt64, math.MinInt64}

func (g *generator) constant(t byte) {
	n := interesting[g.random.IntN(len(interesting))]
	if g.random.IntN(3) == 0 {
		n = int64(g.random.Uint64())
	}
	switch t {
	case i32:
		g.op(append([]byte{0x41}, signed(int64(int32(n)))...)...)
	case i64:
		g.op(append([]byte{0x42}, signed(n)...)...)
	case f32:
		f := float32(n) / 3
		g.op(binary.LittleEndian.AppendUint32([]byte{0x43}, math.Float32bits(f))...)
	case f64:
		g.op(binary.LittleEndian.AppendUint64([]byte{0x44}, math.Float64bits(float64(n)/3))...)
	}
}

// value writes code that leaves a value of a type.
func (g *generator) value(t byte) {
	g.depth++
	defer func() { g.depth-- }()
	choice := g.random.IntN(12)
	if g.depth > 6 {
		choice %= 2
	}
	switch choice {
	case 0:
		g.constant(t)
	case 1:
		g.op(0x20, localOf[t]+byte(g.random.IntN(2)))
	case 2:
		g.value(t)
		g.op(0x22, localOf[t]+byte(g.random.IntN(2)))
	case 3:
		g.value(t)
		g.value(t)
		g.value(i32)
		g.op(0x1b)
	case 4:
		g.block(t)
	case 5:
		g.value(i32)
		g.op(0x04, t)
		g.labels++
		g.value(t)
		g.op(0x05)
		g.value(t)
		g.labels--
		g.op(0x0b)
	case 6:
		g.load(t)
	case 7:
		g.loop(t)
	default:
		g.arithmetic(t)
	}
}

// block may be left early, with a value.
func (g *generator) block(t byte) {
	g.op(0x02, t)
	g.labels++
	g.value(t)
	g.value(i32)
	g.op(0x0d, 0, 0x1a)
	g.value(t)
	g.labels--
	g.op(0x0b)
}

// loop runs at most three times, however often it is come to.
func (g *generator) loop(t byte) {
	g.op(0x41, byte(g.random.IntN(4)), 0x21, counter, 0x03, t)
	g.value(t)
	g.op(0x20, counter, 0x41, 1, 0x6b, 0x22, counter, 0x41, 0, 0x4a, 0x04, 0x40)
	g.value(t)
	g.op(0x21, localOf[t], 0x0b)
	g.op(0x0b)
}

// load stores a value before, at an address that is nearly always mapped.
func (g *generator) load(t byte) {
	stores := map[byte][]byte{i32: {0x36, 0x3a, 0x3b}, i64: {0x37, 0x3c, 0x3d, 0x3e}, f32: {0x38}, f64: {0x39}}
	loads := map[byte][]byte{i32: {0x28, 0x2c, 0x2d, 0x2e, 0x2f}, i64: {0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35}, f32: {0x2a}, f64: {0x2b}}
	address := func() {
		g.value(i32)
		if g.random.IntN(20) > 0 {
			g.op(0x41, 63, 0x71)
		}
	}
	address()
	g.value(t)
	g.op(stores[t][g.random.IntN(len(stores[t]))], 0, byte(g.random.IntN(100)))
	address()
	g.op(loads[t][g.random.IntN(len(loads[t]))], 0, byte(g.random.IntN(100)))
}

// run is a run of opcodes that take n values of a type and give one of another.
type run struct {
	first, last byte
	n           int
	from        byte
}

var runs = map[byte][]run{
	i32: {{0x45, 0x45, 1, i32}, {0x46, 0x4f, 2, i32}, {0x50, 0x50, 1, i64}, {0x51, 0x5a, 2, i64}, {0x5b, 0x60, 2, f32}, {0x61, 0x66, 2, f64},
		{0x67, 0x69, 1, i32}, {0x6a, 0x78, 2, i32}, {0xa7, 0xa7, 1, i64}, {0xa8, 0xa9, 1, f32}, {0xaa, 0xab, 1, f64}, {0xc0, 0xc1, 1, i32}},
	i64: {{0x79, 0x7b, 1, i64}, {0x7c, 0x8a, 2, i64}, {0xac, 0xad, 1, i32}, {0xae, 0xaf, 1, f32}, {0xb0, 0xb1, 1, f64}, {0xc2, 0xc4, 1, i64}},
	f32: {{0x8b, 0x91, 1, f32}, {0x92, 0x98, 2, f32}, {0xb2, 0xb3, 1, i32}, {0xb4, 0xb5, 1, i64}, {0xb6, 0xb6, 1, f64}},
	f64: {{0x99, 0x9f, 1, f64}, {0xa0, 0xa6, 2, f64}, {0xb7, 0xb8, 1, i32}, {0xb9, 0xba, 1, i64}, {0xbb, 0xbb, 1, f32}},
}

func (g *generator) arithmetic(t byte) {
	r := runs[t][g.random.IntN(len(runs[t]))]
	for range r.n {
		g.value(r.from)
	}
	g.op(r.first + byte(g.random.IntN(int(r.last-r.first)+1)))
}

func section(id byte, body ...byte) []byte {
	return append(append([]byte{id}, binary.AppendUvarint(nil, uint64(len(body)))...), body...)
}

// randomModule exports f, of two parameters of each type, with one result, and a
// memory of a page.
func randomModule(random *rand.Rand, result byte) []byte {
	g := &generator{random: random}
	g.value(result)
	body := append([]byte{1, 1, i32}, g.code...) // one local: the counter
	body = append(body, 0x0b)
	function := append(binary.AppendUvarint(nil, uint64(len(body))), body...)
	m := []byte("\x00asm\x01\x00\x00\x00")
	m = append(m, section(1, 1, 0x60, 8, i32, i32, i64, i64, f32, f32, f64, f64, 1, result)...)
	m = append(m, section(3, 1, 0)...)
	m = append(m, section(5, 1, 1, 1, 1)...)
	m = append(m, section(7, 1, 1, 'f', 0, 0)...)
	return append(m, section(10, append([]byte{1}, function...)...)...)
}

// same tells whether two results agree. Which NaN an operation gives is left open.
func same(t byte, a, b uint64) bool {
	switch t {
	case i32:
		return uint32(a) == uint32(b)
	case f32:
		x, y := math.Float32frombits(uint32(a)), math.Float32frombits(uint32(b))
		return uint32(a) == uint32(b) || x != x && y != y
	case f64:
		x, y := math.Float64frombits(a), math.Float64frombits(b)
		return a == b || x != x && y != y
	}
	return a == b
}

// nanHidden: whether bits of a NaN, which may differ, can have reached an integer.
func nanHidden(code []byte) bool {
	for _, b := range code {
		if b == 0x2a || b == 0x2b || b == 0x38 || b == 0x39 || b == 0x8c || b == 0x98 || b == 0x9a || b == 0xa6 {
			return true
		}
	}
	return false
}

// TestDifferential runs random functions on the machine and on wazero: both give
// the same, or both trap.
func TestDifferential(t *testing.T) {
	random := rand.New(rand.NewPCG(20, 26))
	vm := startMachine(t, compile(t, "harness/vm.c", sanitised...))
	ctx := context.Background()
	trapped, returned, unclear := 0, 0, 0
	for i := range 3000 {
		result := []byte{i32, i64, f32, f64}[i%4]
		code := randomModule(random, result)
		r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
		compiled, err := r.Instantiate(ctx, code)
		if err != nil {
			t.Fatalf("module %d: wazero: %v", i, err)
		}
		if got := vm.load(code, 0); got != "ok" {
			t.Fatalf("module %d: %s\n%x", i, got, code)
		}
		args := []uint64{uint64(uint32(random.Uint64())), uint64(uint32(interesting[i%14])), random.Uint64(), uint64(interesting[i%14]),
			api.EncodeF32(1.5), api.EncodeF32(float32(interesting[i%14])), api.EncodeF64(-0.1), api.EncodeF64(float64(interesting[i%14]))}
		want, err := compiled.ExportedFunction("f").Call(ctx, args...)
		got := vm.call(100_000_000, "f", args...)
		switch {
		case err != nil && got[0] == "trap":
			trapped++
		case err == nil && got[0] == "ok":
			bits, parseErr := strconv.ParseUint(got[1], 16, 64)
			if parseErr != nil {
				t.Fatal(parseErr)
			}
			switch {
			case same(result, bits, want[0]):
				returned++
			case nanHidden(code):
				unclear++
			default:
				t.Fatalf("module %d: %x, wazero %x\n%x", i, bits, want[0], code)
			}
		case nanHidden(code):
			unclear++
		default:
			t.Fatalf("module %d: %v, wazero %v %v\n%x", i, got, want, err, code)
		}
		_ = r.Close(ctx)
	}
	t.Logf("%d returned the same, %d trapped on both, %d may differ by the bits of a NaN", returned, trapped, unclear)
	if returned < 1500 || unclear > 100 {
		t.Errorf("%d results compared, %d unclear: the generator is of little use", returned, unclear)
	}
}
