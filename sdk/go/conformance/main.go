// Command conformance is the conformance driver of the Go SDK: it does what the lines on
// its standard input say, see sdk/conformance/README.md.
package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"context"

	fescue "fescue.dev/fescue/sdk/go"
)

type driver struct {
	client *fescue.Client
	made   map[string]io.Closer
	out    sync.Mutex
	gate   sync.RWMutex // held while messages are not to be taken
	open   deliveries
}

// deliveries are those not answered, by name and sequence.
type deliveries struct {
	mu sync.Mutex
	m  map[string]*fescue.Delivery
}

func main() {
	d := &driver{made: map[string]io.Closer{}, open: deliveries{m: map[string]*fescue.Delivery{}}}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<23)
	for lines.Scan() {
		words := strings.Split(lines.Text(), " ")
		answer, err := d.obey(context.Background(), words[0], words[1:])
		if err != nil {
			d.say("error %s %v", nameOf(err), err)
		} else {
			d.say("%s", strings.TrimSpace("ok "+answer))
		}
		if words[0] == "close" {
			return
		}
	}
	os.Exit(1)
}

func (d *driver) say(format string, args ...any) {
	d.out.Lock()
	defer d.out.Unlock()
	fmt.Printf(format+"\n", args...)
}

// nameOf is an error's code by its name.
func nameOf(err error) string {
	var code fescue.Code
	if errors.As(err, &code) {
		return code.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "timeout"
	}
	return "unknown"
}

func shown(b []byte) string {
	if len(b) == 0 {
		return "-"
	}
	return hex.EncodeToString(b)
}

func bytesOf(word string) []byte {
	b, _ := hex.DecodeString(strings.TrimPrefix(word, "-")) // the test writes it
	return b
}

func (d *driver) connect(ctx context.Context) (string, error) {
	c, err := fescue.Connect(ctx, fescue.Options{OnError: func(err error) { d.say("trouble %s %v", nameOf(err), err) }})
	if err != nil {
		return "", err
	}
	d.client = c
	return c.Application() + " " + c.Device(), nil
}

// pass waits while messages are not to be taken.
func (d *driver) pass() {
	d.gate.RLock()
	defer d.gate.RUnlock()
}

// follow prints what comes until it ends, and that.
func follow[T any](d *driver, name string, all func(context.Context) (T, error), show func(T)) {
	go func() {
		for {
			d.pass()
			v, err := all(context.Background())
			if err != nil {
				if !errors.Is(err, fescue.Closed) {
					d.say("ended %s %s", name, nameOf(err))
				}
				return
			}
			d.pass()
			show(v)
		}
	}()
}
