package unix_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// run runs a listener until the test ends.
func run(t *testing.T, l *unix.Listener, serve func(exchange.Conn)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- l.Run(ctx, serve) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func hangUp(c exchange.Conn) { _ = c.Close() }

func TestModeAndDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	l, err := unix.Listen(unix.Options{Path: path, Mode: 0o620})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o620 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("%v is left beside it", left)
	}
	if l.Address() != "unix:"+path || l.Name() != "unix" {
		t.Errorf("%s %s", l.Name(), l.Address())
	}
	run(t, l, hangUp)
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	l, err := unix.Listen(unix.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	run(t, l, hangUp)
	if _, err := unix.Listen(unix.Options{Path: path}); !fail.Is(err, fail.Conflict) || fail.HintOf(err) == "" {
		t.Errorf("a second listener: %v", err)
	}
}

func TestListenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path string
		kind fail.Kind
	}{
		"a file":       {file, fail.Conflict},
		"long path":    {filepath.Join(dir, strings.Repeat("x", 120)), fail.Invalid},
		"no directory": {filepath.Join(dir, "none", "x.sock"), fail.Internal},
	} {
		if _, err := unix.Listen(unix.Options{Path: c.path}); !fail.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file has become %q, %v", text, err)
	}
}

// TestUserID: a token is good only for processes of the application's user and
// the agent's own.
func TestUserID(t *testing.T) {
	b := exchangetest.Start(t, fixture(), exchange.Options{})
	all := spec.Resources{Publish: []spec.Filter{"#"}}
	try := func(uid int) wire.Frame {
		t.Helper()
		if err := b.Grant("app", all, exchange.Credential{Token: "secret", UID: uid}); err != nil {
			t.Fatal(err)
		}
		c := b.Connect()
		c.Send(exchangetest.Hello("secret"))
		f, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if f := try(os.Getuid()); f.Type != wire.Welcome {
		t.Errorf("the right user got %v %q", f.Type, f.Body)
	}
	// The agent's own user is welcome with any application's token.
	if f := try(4711); f.Type != wire.Welcome {
		t.Errorf("the agent's user got %v %q", f.Type, f.Body)
	}
}

// TestForeignUserID pretends that the client is another user.
func TestForeignUserID(t *testing.T) {
	r := exchange.New(exchange.Options{})
	if err := r.Grant("app", spec.Resources{}, exchange.Credential{Token: "secret", UID: 4711}); err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[int]wire.Type{4711: wire.Welcome, 4712: wire.Error} {
		mine, file, err := unix.Pair()
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = r.Serve(context.Background(), foreign{mine, uid})
		}()
		theirs, err := net.FileConn(file)
		if err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		c := exchangetest.NewClient(t, theirs)
		c.Send(exchangetest.Hello("secret"))
		if f, err := c.Next(); err != nil || f.Type != want {
			t.Errorf("user %d got %v %q %v", uid, f.Type, f.Body, err)
		}
		c.Close()
		<-done
	}
}

type foreign struct {
	*unix.Conn
	uid int
}

func (f foreign) PeerUID() (int, bool) { return f.uid, true }

// TestPair: a worker's end is a file that its process inherits.
func TestPair(t *testing.T) {
	conn, file, err := unix.Pair()
	if err != nil {
		t.Fatal(err)
	}
	if uid, ok := conn.PeerUID(); !ok || uid != os.Getuid() {
		t.Errorf("user %d %v", uid, ok)
	}
	if _, err := file.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 10)
	if n, err := conn.Read(p); err != nil || string(p[:n]) != "hello" {
		t.Errorf("%q %v", p[:n], err)
	}
	_ = file.Close()
	_ = conn.SetReadDeadline(time.Now().Add(exchangetest.Patience))
	if n, err := conn.Read(p); n != 0 || err == nil {
		t.Errorf("after the worker's end: %d %v", n, err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}
