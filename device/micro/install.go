package micro

import (
	"context"
	"crypto/sha256"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Module is a function to install.
type Module struct {
	Function spec.Name
	Version  spec.Version
	Code     []byte // WebAssembly
	// Signature is what a board with a signing key wants to see; nil: there is none.
	Signature []byte
	Fuel      int // thousands of instructions of an invocation
	Memory    int // bytes of linear memory; 0: as much as there is
	// Settings are lines of key=value for the board: handler=NAME, publish=FILTER.
	Settings string
}

// Install brings a module to the board and switches to it. What came of it in an
// earlier, interrupted transfer is not sent again.
func (b *Board) Install(ctx context.Context, m Module) error {
	const op = "install on microcontroller"
	id, frames, done, err := b.begin(ctx, "")
	if err != nil {
		return err
	}
	defer done()
	offer := wire.AppendOffer(nil, id, wire.OfferBody{
		Size: uint32(len(m.Code)), Digest: sha256.Sum256(m.Code), Fuel: uint32(m.Fuel), Memory: uint32(m.Memory),
		Function: []byte(m.Function), Version: []byte(m.Version), Settings: []byte(m.Settings),
	})
	if len(offer)-wire.HeaderSize > b.Facts.MaxBody {
		return fail.New(fail.TooLarge, op, "name, version and topics together exceed the %d bytes that the board takes", b.Facts.MaxBody).On(string(m.Function))
	}
	if err := b.send(offer); err != nil {
		return err
	}
	f, err := b.next(ctx, op, frames)
	if err != nil {
		return err
	}
	accept, err := f.Accept()
	if err != nil {
		return fail.Wrap(err, fail.Invalid, op, string(m.Function))
	}
	if err := b.chunks(ctx, id, frames, m.Code, accept); err != nil {
		return err
	}
	return b.commit(ctx, id, frames, m)
}

// chunks sends the module's bytes from where the board wants them.
func (b *Board) chunks(ctx context.Context, id uint32, frames <-chan wire.Frame, code []byte, a wire.AcceptBody) error {
	const op = "send module to microcontroller"
	kept, next := int(a.Offset), int(a.Offset)
	if kept > len(code) {
		return fail.New(fail.Invalid, op, "the board asks for byte %d of %d", kept, len(code))
	}
	for kept < len(code) {
		for next < len(code) && next-kept+int(a.Chunk) <= int(a.Window) {
			part := code[next:min(next+int(a.Chunk), len(code))]
			if err := b.send(wire.AppendChunk(nil, id, uint32(next), part)); err != nil {
				return err
			}
			next += len(part)
		}
		f, err := b.next(ctx, op, frames)
		if err != nil {
			return err
		}
		if f.Type == wire.Abort {
			return fail.New(fail.Canceled, op, "the board ended the transfer")
		}
		n, err := f.Number()
		if err != nil || f.Type != wire.Progress || int(n) > next {
			return fail.New(fail.Invalid, op, "the board answered %v", f.Type)
		}
		if int(n) <= kept { // what is under way was not taken: again from there
			next = int(n)
		}
		kept = int(n)
	}
	return nil
}

func (b *Board) commit(ctx context.Context, id uint32, frames <-chan wire.Frame, m Module) error {
	const op = "commit module on microcontroller"
	b.mu.Lock()
	b.transfers[id] = m.Function
	b.mu.Unlock()
	if err := b.send(wire.AppendPlain(nil, wire.Commit, id, m.Signature)); err != nil {
		return err
	}
	f, err := b.next(ctx, op, frames)
	if err != nil {
		b.mu.Lock()
		delete(b.transfers, id)
		b.mu.Unlock()
		if fail.Is(err, fail.Denied) {
			return fail.New(fail.Denied, op, "the board does not take the signature").On(string(m.Function)).
				WithHint("It holds for one version of one function, made with the key that the board was provisioned with: fescue build --sign-key.")
		}
		return err
	}
	if f.Type != wire.Committed {
		return fail.New(fail.Invalid, op, "the board answered %v", f.Type)
	}
	return nil
}
