package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	fescue "fescue.dev/fescue/sdk/go"
)

// client is an application's connection to Data Xchange as a messenger.
type client struct {
	*fescue.Client
	messages *fescue.Subscription
	until    time.Time
}

func openClient(filter string) (*client, error) {
	c, err := fescue.Connect(context.Background(), fescue.Options{})
	if err != nil {
		return nil, err
	}
	m := &client{Client: c}
	m.messages, err = c.Subscribe(context.Background(), filter, fescue.SubscribeOptions{})
	return m, err
}

func (c *client) send(topic string, payloads [][]byte) error {
	for _, p := range payloads {
		if err := c.Publish(context.Background(), topic, p); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) receive(take func([]byte) error) error {
	ctx, cancel := context.WithDeadline(context.Background(), c.until)
	defer cancel()
	message, err := c.messages.Next(ctx)
	if err != nil {
		return err
	}
	return take(message.Payload)
}

func (c *client) patience(d time.Duration) { c.until = time.Now().Add(d) }

func (c *client) close() { _ = c.Close() } // it has no errors

// drive is the role of an application that measures from within the device: the results go to
// a file of its data.
func drive() error {
	flight, err := strconv.Atoi(os.Getenv("BENCH_FLIGHT"))
	if err != nil {
		return err
	}
	limit, err := time.ParseDuration(os.Getenv("BENCH_TIME"))
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(os.Getenv("BENCH_BYTES"))
	if err != nil {
		return err
	}
	name := os.Getenv("BENCH_FUNCTION")
	var r result
	m, err := openClient(name + "/out")
	if err == nil {
		var f figures
		f, err = exchange(m, name+"/in", flight, size, limit)
		r = result{P50: f.p50, P99: f.p99, Rate: f.rate}
	}
	if err != nil {
		r.Error = err.Error()
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	file := filepath.Join(os.Getenv("FESCUE_DATA"), resultFile)
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	select {} // a service that ends would be started again
}

type result struct {
	P50, P99 time.Duration
	Rate     float64
	Error    string
}

const resultFile = "result.json"

// measureExchange has an application send messages to a function, whose answers come back to it.
func measureExchange(o options, d *device) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	t := newTable("topic: an application in Go, function, the application", "in flight", "rate/s", "p50", "p99", "workers' memory")
	return d.each(o, t, func(a *application) error {
		for _, flight := range o.flights {
			f, err := repeated(o.runs, d.usedBy(a.name), func() (figures, error) { return d.drive(o, self, a, flight) })
			if err != nil {
				return err
			}
			t.line(a.subject.name, strconv.Itoa(flight), fmt.Sprintf("%.0f", f.rate), micros(f.p50), micros(f.p99), d.memory(a.name))
		}
		return nil
	})
}

// drive deploys the application that measures, waits for its result, and removes it.
func (d *device) drive(o options, self string, a *application, flight int) (figures, error) {
	driver := subject{name: "driver", limits: "memory: 512MiB", configuration: fmt.Sprintf("runtime: native\ncommands: [{run: ./driver}]\n"+
		"resources: {publish: [%s/in], subscribe: [%s/out]}\nenvironment: {%s: %s, BENCH_FLIGHT: '%d', BENCH_TIME: %s, BENCH_BYTES: '%d', BENCH_FUNCTION: %s}\n",
		a.name, a.name, roleVariable, roleDriver, flight, o.time, o.bytes, a.name), build: []string{"cp", self, "driver"}}
	made, err := d.deploy(driver, "driver", "")
	if err != nil {
		return figures{}, err
	}
	var r result
	err = until("the application has measured", func() bool {
		found, _ := filepath.Glob(filepath.Join(d.state, "device", "*", "apps", "driver", "data", resultFile))
		more, _ := filepath.Glob(filepath.Join(d.state, "device", "apps", "driver", "data", resultFile))
		for _, file := range append(found, more...) {
			text, err := os.ReadFile(file)
			return err == nil && json.Unmarshal(text, &r) == nil
		}
		return false
	})
	if err == nil && r.Error != "" {
		err = fmt.Errorf("the application: %s", r.Error)
	}
	if err != nil {
		log, _ := exec.Command(d.binary, "logs", "driver").CombinedOutput()
		return figures{}, fmt.Errorf("%w\n%s", err, strings.TrimSpace(string(log)))
	}
	return figures{p50: r.P50, p99: r.P99, rate: r.Rate}, d.delete(made)
}
