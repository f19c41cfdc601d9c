package access_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/spec"
)

const (
	deviceDir  = "FESCUE_TEST_DEVICE_DIR"
	deviceMQTT = "FESCUE_TEST_DEVICE_MQTT"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(deviceDir); dir != "" {
		fmt.Fprintln(os.Stderr, serveDevice(dir, os.Getenv(deviceMQTT)))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// serveDevice is the process that tests kill.
func serveDevice(dir, mqtt string) error {
	ctx := context.Background()
	d, _, err := open(ctx, dir, mqtt)
	if err != nil {
		return err
	}
	l, err := unix.Listen(unix.Options{Path: filepath.Join(dir, "x.sock")})
	if err != nil {
		return err
	}
	return l.Run(ctx, func(c exchange.Conn) { _ = d.router.Serve(ctx, c) })
}

// victim is a device in a process of its own.
type victim struct {
	*device // for its mosquitto; nothing of it runs
	dir     string
	mqtt    string
	cmd     *exec.Cmd
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	dir, err := os.MkdirTemp("", "fa") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &victim{device: &device{t: t}, dir: dir, mqtt: l.Addr().String()}
	_ = l.Close() // the device takes the port
	t.Cleanup(func() {
		v.kill()
		_ = os.RemoveAll(dir)
	})
	v.start()
	return v
}

func (v *victim) start() {
	v.t.Helper()
	v.cmd = exec.Command(os.Args[0])
	v.cmd.Env = append(os.Environ(), deviceDir+"="+v.dir, deviceMQTT+"="+v.mqtt)
	v.cmd.Stderr = os.Stderr
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.until("the device is there", func() bool {
		c, err := net.Dial("tcp", v.mqtt)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

func (v *victim) kill() {
	_ = v.cmd.Process.Kill()
	_ = v.cmd.Wait()
}

// app is a client of the application.
func (v *victim) app() *exchangetest.Client {
	v.t.Helper()
	var conn *unix.Conn
	v.until("the exchange is there", func() (there bool) {
		var err error
		conn, err = unix.Dial(context.Background(), filepath.Join(v.dir, "x.sock"))
		return err == nil
	})
	c := exchangetest.NewClient(v.t, conn)
	c.Hello("app")
	return c
}

// sub is a mosquitto_sub at the address.
func sub(mqtt string, args ...string) *exec.Cmd {
	host, port, _ := net.SplitHostPort(mqtt)
	return exec.Command("mosquitto_sub", append([]string{"-h", host, "-p", port, "-V", "mqttv311", "-u", "sensor", "-P", password}, args...)...)
}

func needMosquitto(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("mosquitto_sub"); err != nil {
		t.Skipf("%v: run `make deps`", err)
	}
}

// away leaves an MQTT session behind that subscribes with QoS 1 and is not there.
func away(t *testing.T, mqtt, id, filter string) {
	t.Helper()
	if out, err := sub(mqtt, "-c", "-i", id, "-q", "1", "-t", filter, "-E").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestKeptReachesSessions: what an application publishes on a kept topic comes to MQTT
// with QoS 1, also to a session that was away, in order, once, whoever else subscribes;
// what is not kept is lost to it.
func TestKeptReachesSessions(t *testing.T) {
	needMosquitto(t)
	d := start(t)
	mqtt := d.fabric.Address("mqtt")
	away(t, mqtt, "away", "a/#")
	local, err := d.router.Local("app")
	if err != nil {
		t.Fatal(err)
	}
	store := func(topic, payload string) {
		t.Helper()
		if err := local.Store(t.Context(), spec.Topic(topic), []byte(payload), ""); err != nil {
			t.Fatal(err)
		}
	}
	store("a/kept/x", "one")
	if err := local.Publish("a/plain", []byte("lost")); err != nil {
		t.Fatal(err)
	}
	store("a/kept/twice", "two") // two rules keep it
	store("a/kept/x", "three")
	out, err := sub(mqtt, "-c", "-i", "away", "-q", "1", "-t", "a/#", "-C", "3", "-W", "30", "-F", "%q %t %p").CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return line == "1 a/kept/twice two" }) // order is a topic's
	if want := "[1 a/kept/x one 1 a/kept/x three]"; err != nil || fmt.Sprint(lines) != want || !strings.Contains(string(out), "two") {
		t.Errorf("the session that was away got %q, %v", out, err)
	}

	// Those that are there get each message once, with the QoS they asked for.
	nc, err := d.nats("sensor")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	plain, err := nc.SubscribeSync("a.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, qos := range []string{"0", "1"} {
		var got bytes.Buffer
		c := sub(mqtt, "-i", "live"+qos, "-q", qos, "-t", "a/#", "-C", "2", "-W", "30", "-F", "%q %t %p")
		c.Stdout, c.Stderr = &got, &got
		interest := d.fabric.Interest("a.kept.x")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		d.until("it has subscribed", func() bool { return d.fabric.Interest("a.kept.x") > interest })
		if qos == "1" {
			time.Sleep(100 * time.Millisecond) // its SUBACK follows; nothing tells when
		}
		store("a/kept/x", "live")
		if err := local.Publish("a/plain", []byte("live")); err != nil {
			t.Fatal(err)
		}
		err := c.Wait()
		lines := strings.Split(strings.TrimSpace(got.String()), "\n")
		slices.Sort(lines) // the one waits for the disk, the other does not
		want := []string{"0 a/plain live", qos + " a/kept/x live"}
		if slices.Sort(want); err != nil || !slices.Equal(lines, want) {
			t.Errorf("a subscriber with QoS %s got %v, %v; want %v", qos, lines, err, want)
		}
		for _, want := range []string{"a.kept.x", "a.plain"} {
			if m, err := plain.NextMsg(patience); err != nil || m.Subject != want {
				t.Errorf("a client of NATS got %v, %v; want %s", m, err, want)
			}
		}
	}
	if m, err := plain.NextMsg(50 * time.Millisecond); err == nil {
		t.Errorf("a client of NATS got %s %q twice", m.Subject, m.Data)
	}
}

// TestPromisesOutliveTheBroker: the device is killed while an application stores messages
// and an MQTT client publishes with QoS 1. What was acknowledged to either is kept, and
// what the application stored comes to the MQTT session that was away.
func TestPromisesOutliveTheBroker(t *testing.T) {
	needMosquitto(t)
	python := tool(t, "venv/bin/python")
	v := newVictim(t)
	away(t, v.mqtt, "away", "a/kept/down")
	total, kills := 600, 3
	if os.Getenv("FESCUE_TEST_LONG") != "" {
		total, kills = 20_000, 12
	}
	host, port, _ := net.SplitHostPort(v.mqtt)
	up := exec.Command(python, "testdata/paho_kept.py", host, port, "sensor", password, fmt.Sprint(total))
	var said bytes.Buffer
	up.Stderr = &said
	out, err := up.StdoutPipe()
	if err == nil {
		err = up.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = up.Process.Kill() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "connected\n" {
		t.Fatalf("the MQTT client says %q, %v: %s", line, err, said.String())
	}
	stored := map[uint32]bool{}
	for n := range kills + 1 {
		v.storeUntil(stored, uint32(total*(n+1)/(kills+1)), n < kills)
	}
	if err := up.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	v.hearsAll("away", "a/kept/down", total)
	v.consumesAll("a/kept/up", total)
}

// consumesAll reads a kept topic from its beginning until so many different payloads have come.
func (v *victim) consumesAll(topic string, total int) {
	v.t.Helper()
	c := v.app()
	defer c.Close()
	c.Send(wire.AppendConsume(nil, 1, wire.ConsumeBody{Start: wire.StartOldest, Place: []byte("all"), Filter: []byte(topic)}))
	c.Expect(wire.OK, 1)
	seen := map[string]bool{}
	for len(seen) < total {
		f, err := c.NextWithin(patience)
		if err != nil {
			v.t.Fatalf("%d of %d are kept: %v", len(seen), total, err)
		}
		d, err := f.Delivery()
		if err != nil || f.Type != wire.Delivery {
			v.t.Fatal(f.Type, err)
		}
		seen[string(d.Payload)] = true
		c.Send(wire.AppendAck(nil, 1, wire.AckBody{Sequence: d.Sequence}))
	}
}

// storeUntil stores numbered messages up to a number, those again that were not
// acknowledged, and waits for all, or kills the device in between.
func (v *victim) storeUntil(stored map[uint32]bool, last uint32, kill bool) {
	v.t.Helper()
	c := v.app()
	defer c.Close()
	for n := range last {
		if !stored[n] {
			c.Send(wire.AppendStore(nil, n+1, fmt.Sprint("s", n), "a/kept/down", fmt.Append(nil, n)))
		}
		if kill && n == last-10 {
			v.kill()
			break
		}
	}
	for len(stored) < int(last) {
		f, err := c.Next()
		if err != nil && kill {
			v.start()
			return
		}
		if err != nil || f.Type != wire.OK {
			v.t.Fatalf("%v %q, %v", f.Type, f.Body, err)
		}
		stored[f.ID-1] = true
	}
}

// hearsAll has a session come back and waits until it has heard all numbers.
func (v *victim) hearsAll(id, topic string, total int) {
	v.t.Helper()
	c := sub(v.mqtt, "-c", "-i", id, "-q", "1", "-t", topic, "-F", "%p", "-W", "300")
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		v.t.Fatal(err)
	}
	seen := map[string]bool{}
	for lines := bufio.NewScanner(out); len(seen) < total && lines.Scan(); {
		seen[lines.Text()] = true
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	for n := range total {
		if !seen[fmt.Sprint(n)] {
			v.t.Fatalf("%s did not get %d of %d (%d came)", id, n, total, len(seen))
		}
	}
}

// BenchmarkStore stores with 64 messages in flight: without MQTT, with it and nobody who
// waits for the topic, and with a session that is away.
func BenchmarkStore(b *testing.B) {
	for _, c := range []string{"no MQTT", "nobody waits", "a session is away"} {
		b.Run(c, func(b *testing.B) {
			mqtt := "127.0.0.1:0"
			if c == "no MQTT" {
				mqtt = ""
			}
			ctx, cancel := context.WithCancel(context.Background())
			d, end, err := open(ctx, b.TempDir(), mqtt)
			if err != nil {
				b.Fatal(err)
			}
			defer end()
			defer cancel()
			if c == "a session is away" {
				if out, err := sub(d.fabric.Address("mqtt"), "-c", "-i", "away", "-q", "1", "-t", "a/#", "-E").CombinedOutput(); err != nil {
					b.Skipf("%v: %s", err, out)
				}
			}
			local, err := d.router.Local("app")
			if err != nil {
				b.Fatal(err)
			}
			var waiting sync.WaitGroup
			slots := make(chan struct{}, 64)
			payload := make([]byte, 128)
			for b.Loop() {
				slots <- struct{}{}
				waiting.Go(func() {
					if err := local.Store(ctx, "a/kept/x", payload, ""); err != nil {
						b.Error(err)
					}
					<-slots
				})
			}
			waiting.Wait()
		})
	}
}
