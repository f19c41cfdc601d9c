package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"

	"golang.org/x/sync/errgroup"

	"fescue.dev/fescue/device/access"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/mqueue"
	"fescue.dev/fescue/exchange/tcp"
	socket "fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/spec"
)

// The application that both sides are, and the credential of NATS and MQTT clients.
const (
	application = "bench"
	token       = "6b1b36cbb04b41490bfc0ab2bfa26f86bench"
)

// startBroker starts Data Xchange in a process of its own, in the directory; the environment
// is for sides that use the link.
func startBroker(dir, link string) func(context.Context, options) (*process, []string, error) {
	return func(ctx context.Context, o options) (*process, []string, error) {
		state, err := os.MkdirTemp(dir, "")
		if err != nil {
			return nil, nil, err
		}
		exe, err := os.Executable()
		if err != nil {
			return nil, nil, err
		}
		b, err := start(ctx, exec.Command(exe, state), []string{roleVariable + "=broker", profileVariable + "=" + o.profile}, nil)
		if err != nil {
			return nil, nil, err
		}
		b.onStop = func() { _ = os.RemoveAll(state) }
		env := []string{"FESCUE_TOKEN=" + token, userVariable + "=" + application, passwordVariable + "=" + token}
		for _, address := range b.told { // unix:PATH mqueue:PATH tcp:HOST:PORT nats:HOST:PORT mqtt:HOST:PORT
			kind, where, _ := strings.Cut(address, ":")
			switch {
			case kind == "nats":
				env = append(env, natsVariable+"=nats://"+where)
			case kind == "mqtt":
				env = append(env, mqttVariable+"="+where)
			case kind == link || kind == "unix" && strings.HasPrefix(link, "kept"):
				env = append(env, "FESCUE_EXCHANGE="+address)
			}
		}
		return b, env, nil
	}
}

// broker serves all links until ctx is done: the router with the embedded NATS server as its
// peer, wired as in the agent.
func broker(ctx context.Context, dir string) error {
	stopProfile, err := profile(os.Getenv(profileVariable))
	if err != nil {
		return err
	}
	defer stopProfile()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	r := exchange.New(exchange.Options{Device: "bench", Log: log})
	if err := errors.Join(r.OpenStores(filepath.Join(dir, "stores")), grant(r)); err != nil {
		return err
	}
	logins := access.New(filepath.Join(dir, "ids.json"), log)
	f, err := fabric.Start(ctx, fabric.Options{
		Dir: filepath.Join(dir, "fabric"), Name: "bench", Log: log, Auth: logins, OnViolation: logins.Violated,
		MQTT: "127.0.0.1:0", NATS: "127.0.0.1:0",
	})
	if err != nil {
		return err
	}
	defer f.Close()
	logins.Attach(f, r)
	hash := sha256.Sum256([]byte(token))
	logins.Apply([]spec.DesiredCredential{{Name: application, Hash: hex.EncodeToString(hash[:]), Subscribe: filters(), Publish: filters()}})
	peer, err := f.Peer()
	if err != nil {
		return err
	}
	defer peer.Close()
	links, err := listen(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Printf("ready %s %s %s nats:%s mqtt:%s\n", links[0].Address(), links[1].Address(), links[2].Address(), f.Address("nats"), f.Address("mqtt"))
	go rest(os.Stdin, os.Stdout) // ends with the process
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return r.Run(ctx) })
	parts.Go(func() error { return r.Peer(ctx, peer) })
	for _, l := range links {
		parts.Go(func() error {
			return l.Run(ctx, func(c exchange.Conn) { _ = r.Serve(ctx, c) }) // how a session ends the side itself tells
		})
	}
	return parts.Wait()
}

func filters() []spec.Filter { return []spec.Filter{"bench/#"} }

// grant lets the sides' application use the topics; what goes there is kept for the rows that
// store, whose topic has a name of its own.
func grant(r *exchange.Router) error {
	return r.Grant(application, spec.Resources{Publish: filters(), Subscribe: filters(), Keep: []spec.Keep{{Topic: keptThere, Size: 64 << 20}}},
		exchange.Credential{Token: token, UID: -1})
}

func listen(ctx context.Context, dir string) ([]exchange.Link, error) {
	u, err := socket.Listen(socket.Options{Path: filepath.Join(dir, "x.sock")})
	if err != nil {
		return nil, err
	}
	q, err := mqueue.Listen(mqueue.Options{Path: filepath.Join(dir, "q.sock")})
	if err != nil {
		return nil, err
	}
	t, err := tcp.Listen(ctx, tcp.Options{Address: "127.0.0.1:0"})
	return []exchange.Link{u, q, t}, err
}

// profile writes the CPU profile until stop is called, if there is a file for it.
func profile(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}
