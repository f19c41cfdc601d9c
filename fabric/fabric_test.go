package fabric

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"fescue.dev/fescue/fail"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("FABRIC_TEST_CHILD"); dir != "" {
		emitForEver(dir)
	}
	goleak.VerifyTestMain(m)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func startIn(t testing.TB, dir string, change func(*Options)) *Server {
	t.Helper()
	o := Options{Dir: dir, Name: "test", Log: quiet()}
	if change != nil {
		change(&o)
	}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func start(t testing.TB) *Server { t.Helper(); return startIn(t, t.TempDir(), nil) }

func control(t testing.TB, s *Server) *nats.Conn {
	t.Helper()
	nc, err := s.Control()
	if err != nil {
		t.Fatal(err)
	}
	return nc
}

// eventually polls until the condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never came true: " + what)
		}
	}
}

func TestNoListenerUnlessAsked(t *testing.T) {
	s := start(t)
	for _, protocol := range []string{"nats", "mqtt", "websocket"} {
		if a := s.Address(protocol); a != "" {
			t.Errorf("%s listens on %s", protocol, a)
		}
	}
	if c, err := net.DialTimeout("tcp", "127.0.0.1:4222", 100*time.Millisecond); err == nil {
		c.Close()
		if s.nats.Addr() != nil {
			t.Error("the default port is open")
		}
	}
}

func TestStartRefuses(t *testing.T) {
	dir := t.TempDir()
	startIn(t, dir, nil)
	for _, c := range []struct {
		name string
		o    Options
		want fail.Kind
	}{
		{"without a directory", Options{Name: "x", Log: quiet()}, fail.Invalid},
		{"without a logger", Options{Name: "x", Dir: t.TempDir()}, fail.Invalid},
		{"a directory in use", Options{Name: "x", Log: quiet(), Dir: dir}, fail.Conflict},
		{"a listener without authenticator", Options{Name: "x", Log: quiet(), Dir: t.TempDir(), MQTT: "127.0.0.1:0"}, fail.Invalid},
		{"a bad address", Options{Name: "x", Log: quiet(), Dir: t.TempDir(), NATS: "4222", Auth: gatekeeper{}}, fail.Invalid},
		{"events larger than the store", Options{Name: "x", Log: quiet(), Dir: t.TempDir(), MaxStore: 10, Events: EventLimits{Bytes: 20}}, fail.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Start(t.Context(), c.o)
			if err == nil {
				s.Close()
			}
			if !fail.Is(err, c.want) {
				t.Errorf("got %v, want kind %v", err, c.want)
			}
			if c.want == fail.Conflict && fail.HintOf(err) == "" {
				t.Error("no hint")
			}
		})
	}
}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	begin := time.Now()
	s, err := Start(t.Context(), Options{Name: "x", Log: quiet(), Dir: t.TempDir(), NATS: l.Addr().String(), Auth: gatekeeper{}})
	if err == nil {
		s.Close()
		t.Fatal("started on an address in use")
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %v to notice", took)
	}
}

func TestRunEndsWithContext(t *testing.T) {
	s := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Run did not end")
	}
	if _, err := s.Control(); !fail.Is(err, fail.Unavailable) {
		t.Errorf("a closed server gave a connection: %v", err)
	}
	s.Close()
}

func TestAccountsAreApart(t *testing.T) {
	s := start(t)
	data, err := s.Data()
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan struct{}, 1)
	if _, err := data.Subscribe(">", func(*nats.Msg) { heard <- struct{}{} }); err != nil {
		t.Fatal(err)
	}
	if err := data.Flush(); err != nil {
		t.Fatal(err)
	}
	nc := control(t, s)
	if err := Hint(nc, "kitchen"); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if n := s.Interest("fescue.v1.kitchen.changed"); n != 1 {
		t.Errorf("interest %d", n)
	}
	select {
	case <-heard:
		t.Error("the data account hears the control account")
	case <-time.After(20 * time.Millisecond):
	}
}

// gatekeeper lets one user in.
type gatekeeper struct{}

func (gatekeeper) Authenticate(c Credentials) (Permissions, bool) {
	return Permissions{Publish: []string{"a.>"}, Subscribe: []string{"a.>", "_INBOX.>"}}, c.User == "sensor" && c.Password == "secret"
}

func TestListenersAskForCredentials(t *testing.T) {
	free := "127.0.0.1:0"
	s := startIn(t, t.TempDir(), func(o *Options) { o.NATS, o.WebSocket, o.Auth = free, free, gatekeeper{} })
	for _, url := range []string{"nats://" + s.Address("nats"), "ws://" + s.Address("websocket")} {
		for _, user := range [][2]string{{"", ""}, {"sensor", "wrong"}, {insideControl, ""}, {insideData, "secret"}} {
			if nc, err := nats.Connect(url, nats.UserInfo(user[0], user[1])); err == nil {
				nc.Close()
				t.Errorf("%s let %q in", url, user)
			}
		}
		nc, err := nats.Connect(url, nats.UserInfo("sensor", "secret"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		sub, err := nc.SubscribeSync("a.b")
		if err != nil {
			t.Fatal(err)
		}
		outside, err := nc.SubscribeSync("other")
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.Publish("other", nil)
		_ = nc.Publish("a.b", []byte("x"))
		if _, err := sub.NextMsg(5 * time.Second); err != nil {
			t.Error("a granted subject:", err)
		}
		if _, err := outside.NextMsg(10 * time.Millisecond); err == nil {
			t.Error("a subject that was not granted was served")
		}
	}
}

// The MQTT listener, spoken to by hand: CONNECT of MQTT 3.1.1, and the return
// code of its CONNACK.
func TestMQTTAsksForCredentials(t *testing.T) {
	s := startIn(t, t.TempDir(), func(o *Options) { o.MQTT, o.Auth = "127.0.0.1:0", gatekeeper{} })
	connect := func(user, password string) byte {
		c, err := net.Dial("tcp", s.Address("mqtt"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		text := func(s string) []byte { return append([]byte{0, byte(len(s))}, s...) }
		body := append(text("MQTT"), 4, 0xc2, 0, 60)
		body = append(append(append(body, text("client")...), text(user)...), text(password)...)
		if _, err := c.Write(append([]byte{0x10, byte(len(body))}, body...)); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 4)
		if _, err := io.ReadFull(c, answer); err != nil || answer[0] != 0x20 {
			t.Fatalf("answer % x: %v", answer, err)
		}
		return answer[3]
	}
	if code := connect("sensor", "secret"); code != 0 {
		t.Errorf("the right password is refused with %d", code)
	}
	if code := connect("sensor", "wrong"); code == 0 {
		t.Error("a wrong password is accepted")
	}
}
