package wasm

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"fescue.dev/fescue/device/runtimes/worker"
	"fescue.dev/fescue/exchange/wire"
)

// call is one event on its way through a module.
type call struct {
	ctx     context.Context // until nobody waits any longer
	host    *worker.Host
	event   worker.Event
	reply   []byte
	failed  bool
	message string // of the failure
}

// callKey is where the module's context has its call. Between events, and while
// it is set up, there is none.
type callKey struct{}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// hostFunction is one of the module `fescue`: a gets its parameters. What it gives, where it has a result, is a
// number of result's type.
type hostFunction struct {
	name       string
	parameters int
	result     api.ValueType // 0: none
	call       func(ctx context.Context, m api.Module, a []uint32) int64
}

const noResult api.ValueType = 0

// hostFunctions are the module `fescue` (sdk/wasm.md). started is what its clock counts from.
func hostFunctions(started time.Time) []hostFunction {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	return []hostFunction{
		{"event", 2, i32, inCall(func(c *call, m api.Module, a []uint32) int32 { return give(m, a[0], a[1], c.event.Payload) })},
		{"topic", 2, i32, inCall(func(c *call, m api.Module, a []uint32) int32 {
			return give(m, a[0], a[1], []byte(c.event.Attributes["subject"]))
		})},
		{"reply", 2, i32, inCall(reply)},
		{"fail", 2, noResult, inCall(func(c *call, m api.Module, a []uint32) int32 {
			c.failed, c.message = true, string(take(m, a[0], a[1]))
			return 0
		})},
		{"publish", 4, i32, inCall(func(c *call, m api.Module, a []uint32) int32 {
			return codeOf(c.host.Publish(c.ctx, string(take(m, a[0], a[1])), take(m, a[2], a[3])))
		})},
		{"state_get", 4, i32, inCall(stateGet)},
		{"state_set", 4, i32, inCall(func(c *call, m api.Module, a []uint32) int32 {
			return codeOf(c.host.SetState(c.ctx, string(take(m, a[0], a[1])), take(m, a[2], a[3])))
		})},
		{"log", 3, noResult, inCall(func(c *call, m api.Module, a []uint32) int32 {
			return codeOf(c.host.Log(int(int32(a[0])), string(take(m, a[1], a[2]))))
		})},
		{"clock", 0, i64, func(context.Context, api.Module, []uint32) int64 { return time.Since(started).Milliseconds() }},
		{"time", 0, i64, func(context.Context, api.Module, []uint32) int64 { return time.Now().UnixMilli() }},
		{"gpio_mode", 2, i32, noPins},
		{"gpio_write", 2, i32, noPins},
		{"gpio_read", 1, i32, noPins},
		{"adc_read", 1, i32, noPins},
		{"i2c", 5, i32, noPins},
	}
}

// noPins answers what only microcontrollers have.
func noPins(context.Context, api.Module, []uint32) int64 { return int64(minus(wire.Unsupported)) }

func reply(c *call, m api.Module, a []uint32) int32 {
	if int(a[1]) > c.host.MaxBody() {
		return minus(wire.TooLarge)
	}
	c.reply = take(m, a[0], a[1])
	return 0
}

func stateGet(c *call, m api.Module, a []uint32) int32 {
	value, err := c.host.State(c.ctx, string(take(m, a[0], a[1])))
	if err != nil {
		return codeOf(err)
	}
	return give(m, a[2], a[3], value)
}

// isHostFunction tells whether the module `fescue` has a function.
func isHostFunction(name string) bool {
	return slices.ContainsFunc(hostFunctions(time.Time{}), func(f hostFunction) bool { return f.name == name })
}

// addHost makes the functions importable. They are called with the module's stack, without reflection.
func addHost(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(hostModule)
	for _, f := range hostFunctions(time.Now()) {
		parameters := slices.Repeat([]api.ValueType{api.ValueTypeI32}, f.parameters)
		var results []api.ValueType
		if f.result != noResult {
			results = []api.ValueType{f.result}
		}
		b = b.NewFunctionBuilder().WithGoModuleFunction(f.onStack(), parameters, results).Export(f.name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

// onStack takes parameters from where wazero puts them, and leaves the result there.
func (f hostFunction) onStack() api.GoModuleFunc {
	return func(ctx context.Context, m api.Module, stack []uint64) {
		var a [5]uint32
		for i := range f.parameters {
			a[i] = api.DecodeU32(stack[i])
		}
		result := f.call(ctx, m, a[:])
		switch f.result {
		case api.ValueTypeI32:
			stack[0] = api.EncodeI32(int32(result))
		case api.ValueTypeI64:
			stack[0] = api.EncodeI64(result)
		}
	}
}

// inCall is a function that needs an event; there is none while a module is set up.
func inCall(f func(c *call, m api.Module, a []uint32) int32) func(context.Context, api.Module, []uint32) int64 {
	return func(ctx context.Context, m api.Module, a []uint32) int64 {
		c := callOf(ctx)
		if c == nil {
			return int64(minus(wire.Unsupported))
		}
		return int64(f(c, m, a))
	}
}

// give copies as much as there is room for, and tells how much there is.
func give(m api.Module, ptr, size uint32, data []byte) int32 {
	n := min(int(size), len(data))
	if n > 0 && !m.Memory().Write(ptr, data[:n]) {
		panic(errOutside)
	}
	return int32(len(data))
}

// take copies what lies in the module's memory.
func take(m api.Module, ptr, size uint32) []byte {
	if size == 0 {
		return nil
	}
	view, ok := m.Memory().Read(ptr, size)
	if !ok {
		panic(errOutside)
	}
	return append([]byte(nil), view...)
}

// errOutside ends the module as a trap does.
var errOutside = errors.New("a pointer that was given to the host lies outside of the module's memory")

func minus(c wire.Code) int32 { return -int32(c) }

// codeOf is an error as a module sees it: 0, or minus the protocol's code.
func codeOf(err error) int32 {
	var refusal *worker.Refusal
	switch {
	case err == nil:
		return 0
	case errors.As(err, &refusal):
		return minus(refusal.Code)
	}
	return minus(wire.Internal)
}
