// Command broker is Data Xchange alone, for the tests of the SDKs: the router that
// devices run, with its stores, on a Unix socket and on message queues in a directory and on TCP, with the
// grants that a test asks for. No agent, no sandbox, no database.
//
//	broker '{"dir": "/tmp/x", "grants": [{"name": "a", "token": "1…", "subscribe": ["t/#"], "publish": ["t/+"]}]}'
//
// The first line it prints is {"unix": ADDRESS, "mqueue": ADDRESS, "tcp": ADDRESS}; then it obeys one
// command (see commands.go) for each line of standard input, answers each with a line, and
// ends when standard input does, or when it is killed: a broker started again in the same directory has
// the same addresses, which is how reconnection is tested.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/mqueue"
	"fescue.dev/fescue/exchange/tcp"
	"fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/spec"
)

type options struct {
	Dir    string  `json:"dir"` // must exist; a short path, for a socket's has 107 bytes
	TCP    string  `json:"tcp"` // address of the TCP link, to have the same again; otherwise any free port
	Device string  `json:"device"`
	Grants []grant `json:"grants"`
}

type grant struct {
	Name      spec.Name     `json:"name"`
	Token     string        `json:"token"`
	Subscribe []spec.Filter `json:"subscribe"`
	Publish   []spec.Filter `json:"publish"`
	Keep      []spec.Keep   `json:"keep"`
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "broker:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("want one argument, the options as JSON")
	}
	o := options{Device: "testdevice", TCP: "127.0.0.1:0"}
	if err := json.Unmarshal([]byte(args[0]), &o); err != nil {
		return fmt.Errorf("options: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	b, err := newBroker(o)
	if err != nil {
		return err
	}
	links, addresses, err := listen(ctx, o, b.log)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return b.router.Run(ctx) })
	for _, link := range links {
		group.Go(func() error { return link.Run(ctx, func(c exchange.Conn) { b.serve(ctx, c) }) })
	}
	answers := json.NewEncoder(out)
	if err := answers.Encode(addresses); err != nil {
		return err
	}
	b.obey(ctx, bufio.NewScanner(in), answers)
	stop()
	b.endWorkers()
	return group.Wait()
}

func listen(ctx context.Context, o options, log *slog.Logger) (links []exchange.Link, addresses map[string]string, err error) {
	addresses = map[string]string{}
	u, err := unix.Listen(unix.Options{Path: filepath.Join(o.Dir, "x.sock")})
	if err != nil {
		return nil, nil, err
	}
	addresses[u.Name()] = u.Address()
	links = append(links, u)
	q, err := mqueue.Listen(mqueue.Options{Path: filepath.Join(o.Dir, "q.sock"), Log: log})
	if err != nil {
		return nil, nil, err
	}
	addresses[q.Name()] = q.Address()
	p, err := tcp.Listen(ctx, tcp.Options{Address: o.TCP})
	if err != nil {
		return nil, nil, err
	}
	addresses[p.Name()] = p.Address()
	return append(links, q, p), addresses, nil
}
