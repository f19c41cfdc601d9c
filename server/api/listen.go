package api

import (
	"context"
	"net"

	"fescue.dev/fescue/fail"
)

// Listen opens the API's port. An address that other machines can reach is
// refused unless expose says that this is meant: whoever knows a token has the
// server then. (Requests need a token in either case.)
func Listen(ctx context.Context, address string, expose bool) (net.Listener, error) {
	const op = "listen"
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fail.New(fail.Invalid, op, "%q is not host:port", address).WithHint("Write it as 127.0.0.1:8420; port 0 takes any free one.")
	}
	if !expose && !isLoopback(host) {
		return nil, fail.New(fail.Denied, op, "other machines can reach this address").On(address).
			WithHint("Listen on 127.0.0.1, or say with --expose that it is meant; put a proxy with TLS in front where the network is not trusted.")
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fail.New(fail.Unavailable, op, "%w", err).On(address).
			WithHint("Another program, perhaps another fescue, may have the port: choose one with --listen.")
	}
	if a, ok := ln.Addr().(*net.TCPAddr); ok && !expose && !a.IP.IsLoopback() { // a name that only looks like loopback
		_ = ln.Close()
		return nil, fail.New(fail.Denied, op, "it is the address %s, which other machines can reach", a).On(address).WithHint("Listen on 127.0.0.1.")
	}
	return ln, nil
}
