package wasm

import (
	"context"
	"errors"
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

// clock counts from when this process was started.
type clock struct{ started time.Time }

// hostFunctions are the module `fescue` (sdk/wasm.md).
func (k clock) hostFunctions() map[string]any {
	return map[string]any{
		"event": func(ctx context.Context, m api.Module, ptr, size uint32) int32 {
			return withCall(ctx, func(c *call) int32 { return give(m, ptr, size, c.event.Payload) })
		},
		"topic": func(ctx context.Context, m api.Module, ptr, size uint32) int32 {
			return withCall(ctx, func(c *call) int32 { return give(m, ptr, size, []byte(c.event.Attributes["subject"])) })
		},
		"reply": func(ctx context.Context, m api.Module, ptr, size uint32) int32 {
			return withCall(ctx, func(c *call) int32 {
				if int(size) > c.host.MaxBody() {
					return minus(wire.TooLarge)
				}
				c.reply = take(m, ptr, size)
				return 0
			})
		},
		"fail": func(ctx context.Context, m api.Module, ptr, size uint32) {
			withCall(ctx, func(c *call) int32 {
				c.failed, c.message = true, string(take(m, ptr, size))
				return 0
			})
		},
		"publish": func(ctx context.Context, m api.Module, topic, topicSize, payload, payloadSize uint32) int32 {
			return withCall(ctx, func(c *call) int32 {
				return codeOf(c.host.Publish(c.ctx, string(take(m, topic, topicSize)), take(m, payload, payloadSize)))
			})
		},
		"state_get": func(ctx context.Context, m api.Module, key, keySize, ptr, size uint32) int32 {
			return withCall(ctx, func(c *call) int32 {
				value, err := c.host.State(c.ctx, string(take(m, key, keySize)))
				if err != nil {
					return codeOf(err)
				}
				return give(m, ptr, size, value)
			})
		},
		"state_set": func(ctx context.Context, m api.Module, key, keySize, ptr, size uint32) int32 {
			return withCall(ctx, func(c *call) int32 {
				return codeOf(c.host.SetState(c.ctx, string(take(m, key, keySize)), take(m, ptr, size)))
			})
		},
		"log": func(ctx context.Context, m api.Module, level int32, ptr, size uint32) {
			withCall(ctx, func(c *call) int32 { return codeOf(c.host.Log(int(level), string(take(m, ptr, size)))) })
		},
		"clock": func() int64 { return time.Since(k.started).Milliseconds() },
		"time":  func() int64 { return time.Now().UnixMilli() },
	}
}

// isHostFunction tells whether the module `fescue` has a function.
func isHostFunction(name string) bool {
	_, ok := clock{}.hostFunctions()[name]
	return ok
}

// addHost makes the functions importable.
func addHost(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(hostModule)
	for name, f := range (clock{time.Now()}).hostFunctions() {
		b = b.NewFunctionBuilder().WithFunc(f).Export(name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

func withCall(ctx context.Context, f func(*call) int32) int32 {
	c := callOf(ctx)
	if c == nil {
		return minus(wire.Unsupported) // there is no event while a module is initialised
	}
	return f(c)
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
