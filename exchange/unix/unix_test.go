package unix_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/unix"
)

func fixture() exchangetest.Fixture {
	return exchangetest.Fixture{
		Listen: func(dir string) (exchange.Link, error) {
			return unix.Listen(unix.Options{Path: filepath.Join(dir, "exchange.sock")})
		},
		Dial: func(ctx context.Context, address string) (io.ReadWriteCloser, error) {
			return unix.Dial(ctx, strings.TrimPrefix(address, "unix:"))
		},
	}
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(brokerDir); dir != "" {
		serveBroker(dir)
		return
	}
	exchangetest.Main(m, fixture())
}

func TestLink(t *testing.T) { exchangetest.Run(t, fixture()) }
