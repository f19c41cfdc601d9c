package mqueue_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/mqueue"
)

func fixture() exchangetest.Fixture {
	return exchangetest.Fixture{
		Listen: func(dir string) (exchange.Link, error) {
			return mqueue.Listen(mqueue.Options{Path: filepath.Join(dir, "mqueue.sock")})
		},
		Dial: func(ctx context.Context, address string) (io.ReadWriteCloser, error) {
			return mqueue.Dial(ctx, strings.TrimPrefix(address, "mqueue:"))
		},
	}
}

func TestMain(m *testing.M) {
	switch dir := os.Getenv(brokerDir); {
	case dir != "":
		fmt.Fprintln(os.Stderr, serveUsers(dir))
		os.Exit(1)
	case os.Getenv(hogQueues) != "":
		hog()
	}
	exchangetest.Main(m, fixture())
}

func TestLink(t *testing.T) { exchangetest.Run(t, fixture()) }
