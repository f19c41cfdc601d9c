package app

import (
	"context"
	"path/filepath"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/device/agent"
	"fescue.dev/fescue/device/logs"
	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/api"
	"fescue.dev/fescue/spec"
)

// openMicro makes the hub of microcontrollers. Each is a device with an agent of
// its own, whose engine is package micro's; so that all that is for devices is for
// them, too.
func (d *device) openMicro(s *server, f *fabric.Server) (err error) {
	keys := micro.Keys{Dir: filepath.Join(d.dir, "micro")}
	d.micro, err = micro.New(micro.Options{
		Gateway: d.id, Keys: keys, Lines: d.o.Micro, Log: d.o.Log.With("part", "micro"),
		Open: func(ctx context.Context, name spec.DeviceID, facts micro.Facts) (*micro.Device, error) {
			return d.openBoard(ctx, s, f, keys.Folder(name), name, facts)
		},
	})
	return err
}

// openBoard makes a board's device, and runs its agent until ctx ends.
func (d *device) openBoard(ctx context.Context, s *server, f *fabric.Server, dir string, name spec.DeviceID, facts micro.Facts) (*micro.Device, error) {
	if name == d.id {
		return nil, fail.New(fail.Conflict, "open microcontroller", "it has the gateway's own name").On(string(name))
	}
	token, err := api.EnsureDeviceToken(ctx, s.store, name, filepath.Join(dir, "token"))
	if err != nil {
		return nil, err
	}
	connection, err := client.New(client.Options{BaseURL: s.url, Token: token})
	if err != nil {
		return nil, err
	}
	control, err := f.Control()
	if err != nil {
		return nil, err
	}
	journal, err := fabric.NewJournal(ctx, control, name)
	if err != nil {
		control.Close()
		return nil, err
	}
	log := d.o.Log.With("part", "micro")
	store := logs.Open(filepath.Join(dir, "logs"), log)
	board, err := micro.NewDevice(micro.DeviceOptions{
		Device: name, Platform: facts.Platform, Dir: dir, Artifact: connection.ArtifactContent, Exchange: d.router,
		Logs: store, Events: journal, Log: log, Samples: func(s spec.Sample) error { return fabric.SendSample(control, name, s) },
	})
	var a *agent.Agent
	if err == nil {
		a, err = agent.New(agent.Options{
			Device: name, Platform: facts.Platform, Version: d.o.Version, Facts: func(context.Context) map[string]string { return d.boardFacts(facts) },
			Dir: dir, API: connection, Control: control, Engine: board, Exchange: d.router, Logs: store, Log: log,
		})
	}
	if err != nil {
		store.Close()
		control.Close()
		return nil, err
	}
	go func() {
		defer control.Close()
		defer store.Close()
		if err := a.Run(ctx); err != nil {
			log.Error("the microcontroller's agent ended", "error", err)
		}
	}()
	return board, nil
}

func (d *device) boardFacts(f micro.Facts) map[string]string {
	facts := f.Describe()
	facts["gateway"] = string(d.id)
	return facts
}
