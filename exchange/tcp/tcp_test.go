package tcp_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/tcp"
	"fescue.dev/fescue/fail"
)

// fixture listens on a free port; a listener made again in the same directory
// gets the same one.
func fixture() exchangetest.Fixture {
	var mu sync.Mutex
	ports := map[string]string{}
	return exchangetest.Fixture{
		Listen: func(dir string) (exchange.Link, error) {
			mu.Lock()
			defer mu.Unlock()
			address := "127.0.0.1:0"
			if again, ok := ports[dir]; ok {
				address = again
			}
			l, err := tcp.Listen(context.Background(), tcp.Options{Address: address})
			if err == nil {
				ports[dir] = strings.TrimPrefix(l.Address(), "tcp:")
			}
			return l, err
		},
		Dial: func(ctx context.Context, address string) (io.ReadWriteCloser, error) {
			return tcp.Dial(ctx, strings.TrimPrefix(address, "tcp:"))
		},
	}
}

func TestMain(m *testing.M) { exchangetest.Main(m, fixture()) }

func TestLink(t *testing.T) { exchangetest.Run(t, fixture()) }

func TestListenRefuses(t *testing.T) {
	l, err := tcp.Listen(t.Context(), tcp.Options{Address: "[::1]:0"})
	if err != nil {
		l, err = tcp.Listen(t.Context(), tcp.Options{Address: "127.0.0.1:0"}) // no IPv6 here
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Run(ctx, func(c exchange.Conn) { _ = c.Close() }) }()
	for address, kind := range map[string]fail.Kind{
		"0.0.0.0:0": fail.Invalid, "192.0.2.1:4711": fail.Invalid, "localhost": fail.Invalid, "example.org:1": fail.Invalid,
		strings.TrimPrefix(l.Address(), "tcp:"): fail.Conflict,
	} {
		if _, err := tcp.Listen(t.Context(), tcp.Options{Address: address}); !fail.Is(err, kind) || fail.HintOf(err) == "" {
			t.Errorf("%s: %v", address, err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := tcp.Dial(t.Context(), strings.TrimPrefix(l.Address(), "tcp:")); !fail.Is(err, fail.Unavailable) {
		t.Errorf("dial nobody: %v", err)
	}
}
