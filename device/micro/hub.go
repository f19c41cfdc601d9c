package micro

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/packet"
	"fescue.dev/fescue/spec"
)

// Options configure [New].
type Options struct {
	Gateway spec.DeviceID // the device that this runs on
	Keys    Keys
	Lines   []string // "serial:/dev/ttyUSB0", see the how-to
	Log     *slog.Logger
	// Open makes the device of a board that was enrolled: its engine, and what
	// runs beside it until ctx ends. It is called once for each board, when the
	// board's platform is known.
	Open func(ctx context.Context, name spec.DeviceID, f Facts) (*Device, error)
}

// Hub holds the lines and brings boards and their devices together.
type Hub struct {
	Options
	lines   []line
	monitor *monitor

	mu      sync.Mutex
	devices map[spec.DeviceID]*Device
	running sync.WaitGroup
}

// New checks the lines; [Hub.Run] opens them.
func New(o Options) (*Hub, error) {
	h := &Hub{Options: o, monitor: newMonitor(MonitorSocket(o.Keys.Dir), o.Log), devices: map[spec.DeviceID]*Device{}}
	for _, s := range o.Lines {
		l, err := parseLine(s)
		if err != nil {
			return nil, err
		}
		h.lines = append(h.lines, l)
	}
	return h, nil
}

// Run serves the lines until ctx ends. A line that cannot be opened is logged and
// tried again.
func (h *Hub) Run(ctx context.Context) error {
	for _, k := range h.Keys.List() { // those that were here before, connected or not
		if f, ok := h.Keys.recall(spec.DeviceID(k.Device)); ok {
			h.device(ctx, spec.DeviceID(k.Device), f)
		}
	}
	h.running.Go(func() { h.monitor.run(ctx) })
	for _, l := range h.lines {
		h.running.Go(func() { h.keep(ctx, l) })
	}
	<-ctx.Done()
	h.running.Wait()
	return nil
}

// linePause is how long after a failure a line is opened again.
const linePause = 5 * time.Second

func (h *Hub) keep(ctx context.Context, l line) {
	for ctx.Err() == nil {
		name := l.kind + ":" + l.address
		err := l.run(ctx, server{
			serve: func(ctx context.Context, p packet.Line) { h.serve(ctx, l, p) },
			console: func(text string) {
				h.Log.Info("the console of a board says", "line", name, "text", text)
				h.monitor.tell(Seen{Frame: "console", Text: text})
			},
			trouble: func(err error) { h.Log.Warn("the serial line is not there: trying again", "line", name, "error", err) },
		})
		if err == nil || ctx.Err() != nil {
			return
		}
		h.Log.Error("the microcontrollers' line is not there: trying again", "line", l.kind+":"+l.address, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(linePause):
		}
	}
}

func (h *Hub) serve(ctx context.Context, l line, p packet.Line) {
	refused := time.Time{}
	err := packet.Serve(ctx, p, packet.Options{
		Name: l.kind, Keys: h.Keys.List,
		Refused: func() {
			if time.Since(refused) > time.Minute {
				refused = time.Now()
				h.Log.Warn("packets that no enrolled board's key fits", "line", l.kind+":"+l.address)
			}
		},
	}, func(s *packet.Session) { h.session(ctx, s) })
	if err != nil {
		h.Log.Debug("a line ended", "line", l.kind+":"+l.address, "error", err)
	}
}

// session serves a board until it goes.
func (h *Hub) session(ctx context.Context, s *packet.Session) {
	defer func() { _ = s.Close() }() // never fails
	name := spec.DeviceID(s.Device)
	var d *Device
	b, err := Greet(s, h.Gateway, Events{
		Publish:  func(f spec.Name, t spec.Topic, p []byte) { d.published(f, t, p) },
		Log:      func(f spec.Name, level uint32, text string) { d.logged(f, level, text) },
		Returned: func(f spec.Name) { d.returned(f) },
		Frame:    func(s Seen) { s.Device = name; h.monitor.tell(s) },
	})
	if err != nil {
		h.Log.Warn("a microcontroller did not begin as it should", "device", name, "error", err)
		return
	}
	if err := h.Keys.remember(name, b.Facts); err != nil {
		h.Log.Warn("what a board said of itself is not kept", "device", name, "error", err)
	}
	if d = h.device(ctx, name, b.Facts); d == nil {
		return
	}
	h.Log.Info("microcontroller connected", "device", name, "platform", b.Facts.Platform, "link", s.Link())
	d.attach(b)
	h.monitor.tell(Seen{Device: name, Frame: "connected", Text: string(b.Facts.Platform)})
	err = b.Run(ctx)
	d.detach(b)
	h.monitor.tell(Seen{Device: name, Frame: "gone", Text: fmt.Sprint(err)})
	h.Log.Info("microcontroller gone", "device", name, "reason", err)
}

// device is the board's, opened at the first time.
func (h *Hub) device(ctx context.Context, name spec.DeviceID, f Facts) *Device {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d := h.devices[name]; d != nil {
		return d
	}
	d, err := h.Open(ctx, name, f)
	if err != nil {
		h.Log.Error("a microcontroller cannot be a device yet", "device", name, "error", err)
		return nil
	}
	h.devices[name] = d
	h.running.Go(func() { d.run(ctx) })
	return d
}

// Exchange is what devices need of Data Xchange: *[exchange.Router] is one.
type Exchange interface {
	Local(app spec.Name) (*exchange.Client, error)
}
