package mqueue_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/mqueue"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

// TestManySessions takes sessions until the kernel has no more queues for this
// user: they get smaller, the last is refused with advice, those that are there
// go on, and when one ends there is room again. The limit is lowered for this
// process, so that other tests of the same user are not disturbed.
func TestManySessions(t *testing.T) {
	lower(t, 400_000)
	b := exchangetest.Start(t, fixture(), exchange.Options{})
	ctx := context.Background()
	path := strings.TrimPrefix(b.Link.Address(), "mqueue:")
	var conns []*mqueue.Conn
	var refused error
	for refused == nil && len(conns) < 300 {
		c, err := mqueue.Dial(ctx, path)
		if refused = err; err == nil {
			conns = append(conns, c)
		}
	}
	if refused == nil {
		t.Skipf("%d sessions without meeting a limit", len(conns))
	}
	t.Logf("%d sessions: %v", len(conns), refused)
	if !fail.Is(refused, fail.Exhausted) || !strings.Contains(refused.Error(), "ipc: unix") {
		t.Errorf("the refusal is %v", refused)
	}
	if len(conns) < 4 {
		t.Skip("other processes of this user have taken most of the queues")
	}
	if first, last := conns[0].Chunk(), conns[len(conns)-1].Chunk(); first <= last {
		t.Errorf("the first session has messages of %d bytes, the last of %d", first, last)
	}
	last := exchangetest.NewClient(t, conns[len(conns)-1])
	last.Hello(exchangetest.AliceToken)
	last.Subscribe(1, "a/+", wire.Block, 0)
	last.Register(1, "a/b")
	large := strings.Repeat("large", 50_000)
	last.Publish(1, large)
	last.ExpectMessage(1, "a/b", large)
	for _, c := range conns {
		_ = c.Close()
	}
	exchangetest.Until(t, "there is room again", func() bool {
		c, err := mqueue.Dial(ctx, path)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// lower sets a lower limit of bytes in queues until the test ends.
func lower(t *testing.T, limit uint64) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MSGQUEUE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_MSGQUEUE, &unix.Rlimit{Cur: min(limit, old.Max), Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Setrlimit(unix.RLIMIT_MSGQUEUE, &old) })
}

// TestNothingIsLeft: queues have no names once a client has them.
func TestNothingIsLeft(t *testing.T) {
	const mount = "/dev/mqueue"
	before, err := os.ReadDir(mount)
	if err != nil {
		t.Skip("message queues are not mounted, their names cannot be listed")
	}
	b := exchangetest.Start(t, fixture(), exchange.Options{})
	b.Client(exchangetest.AliceToken)
	after, err := os.ReadDir(mount)
	if err != nil || len(after) != len(before) {
		t.Errorf("%d queues have names, %d before, %v", len(after), len(before), err)
	}
}

// TestBlockingClient: the client that blocks in the system call sees the same,
// and the broker's end.
func TestBlockingClient(t *testing.T) {
	f := fixture()
	f.Dial = nil
	b := exchangetest.Start(t, f, exchange.Options{})
	conn, err := mqueue.DialBlocking(context.Background(), strings.TrimPrefix(b.Link.Address(), "mqueue:"))
	if err != nil {
		t.Fatal(err)
	}
	c := exchangetest.NewClient(t, conn)
	c.Hello(exchangetest.AliceToken)
	c.Subscribe(1, "a/+", wire.Block, 0)
	c.Register(1, "a/b")
	large := strings.Repeat("large", 50_000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Publish(1, large)
	}()
	c.ExpectMessage(1, "a/b", large)
	<-done
	b.Stop()
	c.Expect(wire.Goodbye, 0)
	c.ExpectEnd()
	if _, err := mqueue.DialBlocking(context.Background(), filepath.Join(t.TempDir(), "none")); !fail.Is(err, fail.Unavailable) {
		t.Errorf("nobody listens: %v", err)
	}
}
