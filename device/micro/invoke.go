package micro

import (
	"context"
	"fmt"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// grace is how much longer than its time-out an invocation is waited for: the
// board ends it by fuel, which is not exact.
const grace = 20 * time.Second

// Invoke calls a function once. An error that it raised, or a trap, is an
// *exchange.HandlerError.
func (b *Board) Invoke(ctx context.Context, function spec.Name, topic string, payload []byte, timeout time.Duration) ([]byte, error) {
	const op = "invoke on microcontroller"
	id, frames, done, err := b.begin(ctx, function)
	if err != nil {
		return nil, err
	}
	defer done()
	attributes := []wire.Attribute{{Name: "function", Value: string(function)}}
	if topic != "" {
		attributes = append(attributes, wire.Attribute{Name: "subject", Value: topic})
	}
	frame := wire.AppendInvoke(nil, id, uint32(timeout.Milliseconds()), attributes, payload)
	if len(frame)-wire.HeaderSize > b.Facts.MaxBody {
		return nil, fail.New(fail.TooLarge, op, "the event is larger than the %d bytes that the board takes", b.Facts.MaxBody).On(string(function))
	}
	if err := b.send(frame); err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, timeout+grace)
	defer cancel()
	f, err := b.next(wait, op, frames)
	if err != nil {
		return nil, err
	}
	if f.Type == wire.Failure {
		return nil, handlerError(f)
	}
	return f.Body, nil
}

func handlerError(f wire.Frame) error {
	body, err := f.Failure()
	if err != nil {
		return err
	}
	e := &exchange.HandlerError{Type: string(body.Type), Message: string(body.Message)}
	switch e.Type {
	case "trap":
		e.Message = trapMessage(e.Message)
	case "status":
		e.Message = "handler returned " + e.Message
	}
	return e
}

// fuelUsedUp is how a function is told of that ran too long.
const fuelUsedUp = "fuel used up (limits.timeout)"

// trapMessage puts "KIND FUNCTION PLACE" into words.
func trapMessage(s string) string {
	var kind, function, at int
	if n, err := fmt.Sscan(s, &kind, &function, &at); n != 3 || err != nil {
		return s
	}
	words := []string{"no trap", "unreachable instruction", "memory access out of bounds", "division by zero", "integer overflow",
		"conversion of NaN to an integer", "table access out of bounds", "call of an empty table element", "indirect call of another type",
		"stack exhausted", fuelUsedUp, "a host function refused"}
	if kind < 0 || kind >= len(words) {
		return s
	}
	return fmt.Sprintf("%s, in function %d at offset %d of the module", words[kind], function, at)
}
