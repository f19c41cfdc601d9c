package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/cli"
	"fescue.dev/fescue/client"
	"fescue.dev/fescue/device/access"
	"fescue.dev/fescue/device/agent"
	"fescue.dev/fescue/device/engine"
	"fescue.dev/fescue/device/gateway"
	"fescue.dev/fescue/device/logs"
	"fescue.dev/fescue/device/meter"
	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/python"
	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/mqueue"
	"fescue.dev/fescue/exchange/tcp"
	"fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/api"
	"fescue.dev/fescue/spec"
)

// device is the device's wing, wired.
type device struct {
	o        cli.UpOptions
	id       spec.DeviceID
	dir      string
	control  *nats.Conn
	peer     *fabric.Peer
	router   *exchange.Router
	links    []exchange.Link
	sandbox  *sandbox.Sandbox
	logs     *logs.Store
	python   *python.Python
	runtimes []runtimes.Runtime
	gateway  *gateway.Gateway // nil: none
	engine   *engine.Engine
	agent    *agent.Agent
	micro    *micro.Hub // nil: no lines of microcontrollers
	meter    *meter.Meter
	figures  *meter.Listener // nil: none was asked for
}

func newDevice(ctx context.Context, o cli.UpOptions, s *server, f *fabric.Server, logins *access.Access) (d *device, err error) {
	d = &device{o: o, dir: filepath.Join(o.State, "device")}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.id, err = deviceName(o.Device); err != nil {
		return nil, err
	}
	token, err := api.EnsureDeviceToken(ctx, s.store, d.id, filepath.Join(d.dir, "token"))
	if err != nil {
		return nil, err
	}
	connection, err := client.New(client.Options{BaseURL: s.url, Token: token})
	if err != nil {
		return nil, err
	}
	if d.control, err = f.Control(); err != nil {
		return nil, err
	}
	journal, err := fabric.NewJournal(ctx, d.control, d.id)
	if err != nil {
		return nil, err
	}
	if err = d.openExchange(ctx, f); err != nil {
		return nil, err
	}
	if err = d.openRuntimes(); err != nil {
		return nil, err
	}
	options := engine.Options{
		Device: d.id, Platform: platform(), Dir: d.dir, Fetch: fetcher{connection},
		Exchange: d.router, Addresses: d.addresses(), Sandbox: d.sandbox, Logs: d.logs, Events: journal,
		Runtimes: d.runtimes, AllowRoot: o.AllowRoot, AllowDevices: o.AllowDevices, Log: o.Log.With("part", "engine"),
	}
	if o.Gateway != "" {
		d.gateway, err = gateway.New(gateway.Options{Address: o.Gateway, Dir: filepath.Join(d.dir, "gateway"), Log: o.Log.With("part", "gateway")})
		if err != nil {
			return nil, err
		}
		options.Gateway = d.gateway
	}
	if d.engine, err = engine.New(options); err != nil {
		return nil, err
	}
	logins.Attach(f, d.router)
	if err = d.openMeter(ctx, f, logins); err != nil {
		return nil, err
	}
	if len(o.Micro) > 0 {
		if err = d.openMicro(s, f); err != nil {
			return nil, err
		}
	}
	return d, d.openAgent(connection, logins)
}

func platform() spec.Platform { return spec.Platform(runtime.GOOS + "/" + runtime.GOARCH) }

// openExchange makes Data Xchange with its links and its NATS peer.
func (d *device) openExchange(ctx context.Context, f *fabric.Server) (err error) {
	d.logs = logs.Open(filepath.Join(d.dir, "logs"), d.o.Log.With("part", "logs"))
	d.router = exchange.New(exchange.Options{
		Device: d.id, Log: d.o.Log.With("part", "exchange"),
		OnLog: func(app spec.Name, level int, text string) { d.logs.Writer(app, "", 0).Log(levelName(level), text) },
		OnDenial: func(denial exchange.Denial) {
			if denial.Credential {
				return // no application's: it is in the device's log, and counted
			}
			text := fmt.Sprintf("denied: %s %s", denial.Kind, denial.Topic)
			if denial.Count > 1 {
				text += fmt.Sprintf(" (%d times)", denial.Count)
			}
			d.logs.Writer(denial.Application, "", 0).Note("warning", text)
		},
	})
	if err := d.router.OpenStores(filepath.Join(d.dir, "exchange")); err != nil {
		return err
	}
	run := filepath.Join(d.dir, "run")
	if err := os.MkdirAll(run, 0o711); err != nil {
		return fail.Wrap(err, fail.Internal, "make directory", run)
	}
	// Everybody may connect; who says HELLO without a granted token is turned away.
	socket, err := unix.Listen(unix.Options{Path: filepath.Join(run, "exchange.sock"), Mode: 0o666})
	if err != nil {
		return err
	}
	queues, err := mqueue.Listen(mqueue.Options{Path: filepath.Join(run, "mqueue.sock"), Mode: 0o666, Log: d.o.Log.With("part", "mqueue")})
	if err != nil {
		return err
	}
	d.links = []exchange.Link{socket, queues}
	if d.o.TCP != "" {
		port, err := tcp.Listen(ctx, tcp.Options{Address: d.o.TCP})
		if err != nil {
			return err
		}
		d.links = append(d.links, port)
	}
	d.peer, err = f.Peer()
	return err
}

func levelName(level int) string {
	return [...]string{"debug", "info", "warning", "error"}[min(max(level, 0), 3)]
}

func (d *device) addresses() map[spec.IPC]string {
	all := map[spec.IPC]string{}
	for _, l := range d.links {
		all[spec.IPC(l.Name())] = l.Address()
	}
	return all
}

func (d *device) openAgent(connection *client.Client, logins *access.Access) (err error) {
	var period time.Duration
	if d.o.PollPeriod != "" {
		if period, err = time.ParseDuration(d.o.PollPeriod); err != nil {
			return fail.New(fail.Invalid, "read --poll", "%q is not a duration", d.o.PollPeriod).WithHint("Write 30s or 5m.")
		}
	}
	d.agent, err = agent.New(agent.Options{
		Device: d.id, Platform: platform(), Version: d.o.Version, Labels: d.o.Labels, Facts: d.facts, Dir: d.dir,
		API: connection, Control: d.control, Engine: d.engine, Exchange: d.router, Logs: d.logs,
		Log: d.o.Log.With("part", "agent"), Period: period, Access: logins,
	})
	return err
}

// facts are what the device found out about itself.
func (d *device) facts(ctx context.Context) map[string]string {
	facts := map[string]string{"policy.root": "denied", "policy.devices": strings.Join(d.o.AllowDevices, " ")}
	if d.o.AllowRoot {
		facts["policy.root"] = "allowed"
	}
	if d.gateway != nil {
		facts["gateway"] = d.gateway.URL()
	}
	for name, value := range d.sandbox.Facts() {
		facts["isolation."+name] = value
	}
	for _, r := range d.runtimes {
		facts["runtime."+r.Name()] = r.Describe(ctx)
	}
	return facts
}

// fetcher gives the engine artifacts from the API.
type fetcher struct{ api *client.Client }

// Artifact is engine.Fetcher's.
func (f fetcher) Artifact(ctx context.Context, digest spec.Digest, offset int64) (io.ReadCloser, error) {
	return f.api.ArtifactContent(ctx, digest, offset)
}

// parts are what runs; orders are those of runAll: the engine ends first, while
// everything it reports through still works.
func (d *device) parts() []part {
	parts := []part{
		{"engine", d.engine.Run, 4},
		{"python", d.python.Run, 3},
		{"agent", d.agent.Run, 3},
		{"meter", d.meter.Run, 3},
		{"exchange", d.router.Run, 2},
		{"NATS peer", func(ctx context.Context) error { return d.router.Peer(ctx, d.peer) }, 2},
	}
	if d.gateway != nil {
		parts = append(parts, part{"HTTP gateway", d.gateway.Run, 4})
	}
	if d.figures != nil {
		parts = append(parts, part{"metrics", d.figures.Run, 3})
	}
	if d.micro != nil {
		parts = append(parts, part{"microcontrollers", d.micro.Run, 4})
	}
	for _, l := range d.links {
		parts = append(parts, part{l.Name(), func(ctx context.Context) error {
			return l.Run(ctx, func(c exchange.Conn) {
				if err := d.router.Serve(ctx, c); err != nil {
					d.o.Log.Debug("a session ended", "link", l.Name(), "error", err)
				}
			})
		}, 2})
	}
	return parts
}

func (d *device) close() {
	if d.gateway != nil {
		d.gateway.Close()
	}
	if d.figures != nil {
		d.figures.Close()
	}
	if d.sandbox != nil {
		if err := d.sandbox.Close(); err != nil {
			d.o.Log.Warn("cannot close the sandbox", "error", err)
		}
	}
	if d.logs != nil {
		d.logs.Close()
	}
	if d.peer != nil {
		d.peer.Close()
	}
	if d.control != nil {
		d.control.Close()
	}
}
