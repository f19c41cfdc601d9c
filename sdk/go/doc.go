// Package fescue is the Go SDK: publish, subscribe, request and serve events on a
// Fescue device.
//
//	client, err := fescue.Connect(ctx, fescue.Options{})
//	…
//	defer client.Close()
//	requests, err := client.Subscribe(ctx, "poly/request", fescue.SubscribeOptions{})
//	…
//	for m := range requests.All(ctx) {
//		err := client.Publish(ctx, "poly/roots", solve(m.Payload))
//		…
//	}
//
// A service, started by a command of its configuration, uses [Connect]; a function, which its
// configuration's handler names, uses [Serve]. Where Data Xchange is and who the
// program is they find in the environment that the agent gives.
//
// A [Client] may be used by any number of goroutines. It connects again by itself
// when the agent restarts, and registers and subscribes anew; what others
// published meanwhile is lost, unless its topic is kept ([Client.Consume]).
// Errors are [*Error], to be asked with errors.Is for a [Code]: errors.Is(err, fescue.Denied).
//
// The package imports the protocol's codec (exchange/wire) and golang.org/x/sys, nothing
// else of Fescue: a program that uses it holds no broker.
package fescue
