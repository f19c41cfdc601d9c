package unix_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/spec"
)

const brokerDir = "FESCUE_TEST_BROKER_DIR"

// serveBroker is the process that the test below kills.
func serveBroker(dir string) {
	r := exchange.New(exchange.Options{Device: "victim", Clock: clockOfBroker()})
	l, err := unix.Listen(unix.Options{Path: filepath.Join(dir, "x.sock")})
	if err == nil {
		err = r.OpenStores(filepath.Join(dir, "stores"))
	}
	if err == nil {
		all := spec.Resources{Publish: []spec.Filter{"k/#"}, Subscribe: []spec.Filter{"k/#"}, Keep: []spec.Keep{{Topic: "k/#", Size: 1 << 30, Full: spec.FullRefuse}}}
		err = r.Grant("app", all, exchange.Credential{Token: "token", UID: -1})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx := context.Background()
	go func() { _ = r.Run(ctx) }()
	_ = l.Run(ctx, func(c exchange.Conn) { _ = r.Serve(ctx, c) })
}

// victim is a broker in a process of its own that is killed and started again.
type victim struct {
	t   *testing.T
	dir string
	cmd *exec.Cmd
}

func (v *victim) start() {
	v.t.Helper()
	v.cmd = exec.Command(os.Args[0])
	v.cmd.Env = append(os.Environ(), brokerDir+"="+v.dir)
	v.cmd.Stderr = os.Stderr
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
}

func (v *victim) kill() {
	_ = v.cmd.Process.Kill()
	_ = v.cmd.Wait()
}

// client is welcome at the broker, whenever it is there; nil when over is closed.
func (v *victim) client(over <-chan struct{}) *unix.Conn {
	for {
		select {
		case <-over:
			return nil
		default:
		}
		conn, err := unix.Dial(context.Background(), filepath.Join(v.dir, "x.sock"))
		if err != nil {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		hello := wire.AppendHello(nil, wire.HelloBody{Lowest: 1, Highest: 1, Capabilities: exchangetest.All, MaxBody: wire.DefaultBody, Token: []byte("token")})
		if _, err := conn.Write(hello); err == nil {
			return conn
		}
		_ = conn.Close()
	}
}

// TestKilledWithMessagesInFlight kills the broker at random moments while
// messages are stored and consumed. None that was acknowledged is lost, none that
// was told as new is told twice, the publisher's repetitions are stored once.
func TestKilledWithMessagesInFlight(t *testing.T) {
	total, kills := 5_000, 4
	if os.Getenv("FESCUE_TEST_LONG") != "" {
		total, kills = 100_000, 20
	}
	v := &victim{t: t, dir: t.TempDir()}
	v.start()
	t.Cleanup(func() { v.kill() })
	over := make(chan struct{})
	var parts sync.WaitGroup
	p := &storing{victim: v, total: total}
	parts.Go(func() { p.run(over) })
	c := &consuming{victim: v, seen: map[uint32]int{}, numbers: map[uint64]uint32{}}
	parts.Go(func() { c.run(t, over) })
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= kills; n++ {
		want := int64(total*n/(kills+1) + rng.IntN(total/(2*kills+2)))
		exchangetest.Until(t, "progress", func() bool { return p.acked.Load() >= want })
		v.kill()
		v.start()
	}
	deadline := time.Now().Add(3 * time.Minute)
	for int(p.acked.Load()) < total || c.count() < total {
		if time.Now().After(deadline) {
			t.Fatalf("%d acknowledged, %d arrived of %d", p.acked.Load(), c.count(), total)
		}
		time.Sleep(10 * time.Millisecond)
	}
	close(over)
	parts.Wait()
	again := 0
	for _, times := range c.seen {
		again += times - 1
	}
	t.Logf("%d messages, %d kills: all arrived, %d of them again and marked", total, kills, again)
}

// storing publishes numbered messages with STORE, 64 in flight, and sends again
// with the same id what was not acknowledged before the link broke.
type storing struct {
	victim *victim
	total  int
	acked  atomic.Int64
}

func (p *storing) run(over <-chan struct{}) {
	open := map[uint32]bool{} // sent and not acknowledged
	next := uint32(0)
	for int(p.acked.Load()) < p.total {
		conn := p.victim.client(over)
		if conn == nil {
			return
		}
		r := wire.NewReader(conn, wire.DefaultBody)
		for n := range open {
			_, _ = conn.Write(message(n))
		}
		for int(p.acked.Load()) < p.total {
			for len(open) < 64 && int(next) < p.total {
				open[next] = true
				if _, err := conn.Write(message(next)); err != nil {
					break
				}
				next++
			}
			f, err := r.Next()
			if err != nil {
				break
			}
			if n := f.ID - 1; f.Type == wire.OK && open[n] {
				delete(open, n)
				p.acked.Add(1)
			}
		}
		_ = conn.Close()
	}
}

func message(n uint32) []byte {
	return wire.AppendStore(nil, n+1, fmt.Sprint("m", n), "k/x", binary.LittleEndian.AppendUint32(nil, n))
}

// consuming acknowledges what comes and remembers how often.
type consuming struct {
	victim  *victim
	mu      sync.Mutex
	seen    map[uint32]int
	numbers map[uint64]uint32 // by sequence
}

func (c *consuming) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}

func (c *consuming) run(t *testing.T, over <-chan struct{}) {
	for {
		conn := c.victim.client(over)
		if conn == nil {
			return
		}
		stop := context.AfterFunc(contextOf(over), func() { _ = conn.Close() })
		_, _ = conn.Write(wire.AppendConsume(nil, 1, wire.ConsumeBody{Start: wire.StartOldest, Window: 100, Place: []byte("p"), Filter: []byte("k/#")}))
		r := wire.NewReader(conn, wire.DefaultBody)
		for {
			f, err := r.Next()
			if err != nil {
				break
			}
			if f.Type != wire.Delivery {
				continue
			}
			d, err := f.Delivery()
			if err != nil {
				t.Error(err)
				return
			}
			c.take(t, d)
			_, _ = conn.Write(wire.AppendAck(nil, 1, wire.AckBody{Sequence: d.Sequence}))
		}
		stop()
		_ = conn.Close()
	}
}

func (c *consuming) take(t *testing.T, d wire.DeliveryBody) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := binary.LittleEndian.Uint32(d.Payload)
	if d.Flags&wire.Delivered == 0 && c.seen[n] > 0 {
		t.Errorf("message %d came again and is told as new", n)
	}
	if old, known := c.numbers[d.Sequence]; known && old != n {
		t.Errorf("sequence %d was message %d and is now %d", d.Sequence, old, n)
	}
	c.seen[n]++
	c.numbers[d.Sequence] = n
}

func contextOf(over <-chan struct{}) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-over
		cancel()
	}()
	return ctx
}
