package access_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/device/access"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/spec"
)

const (
	password = "correct-horse"
	patience = 30 * time.Second
)

// device is a router with MQTT, NATS and WebSocket listeners.
type device struct {
	*access.Access
	t      *testing.T
	fabric *fabric.Server
	router *exchange.Router
}

func start(t *testing.T, change ...func(*fabric.Options)) *device {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	d, end, err := open(ctx, t.TempDir(), "127.0.0.1:0", change...)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	d.t = t
	t.Cleanup(func() {
		cancel()
		end()
	})
	return d
}

// open makes a device in a directory, which may hold what one that was killed has left.
func open(ctx context.Context, dir, mqtt string, change ...func(*fabric.Options)) (d *device, end func(), err error) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	d = &device{Access: access.New(filepath.Join(dir, "ids.json"), log)}
	d.Apply([]spec.DesiredCredential{d.credential("sensor", "a/#"), d.credential("other", "b/#")})
	o := fabric.Options{
		Dir: filepath.Join(dir, "fabric"), Name: "device", Log: log, Auth: d.Access, OnViolation: d.Violated,
		MQTT: mqtt, NATS: "127.0.0.1:0", WebSocket: anyPort(mqtt),
	}
	for _, c := range change {
		c(&o)
	}
	d.fabric, err = fabric.Start(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	d.router = exchange.New(exchange.Options{
		Device: "device",
		Clock:  func() time.Time { return time.Now().Truncate(time.Second) }, // many messages at the same time
	})
	if err := d.router.OpenStores(filepath.Join(dir, "exchange")); err != nil {
		return nil, nil, err
	}
	topics := spec.Resources{
		Publish: []spec.Filter{"a/#"}, Subscribe: []spec.Filter{"a/#"},
		Keep: []spec.Keep{{Topic: "a/kept/#", Size: 64 << 20, Full: spec.FullRefuse}, {Topic: "a/+/twice", Size: 64 << 20}},
	}
	if err := d.router.Grant("app", topics, exchange.Credential{Token: "app", UID: -1}); err != nil {
		return nil, nil, err
	}
	d.Attach(d.fabric, d.router)
	peer, err := d.fabric.Peer()
	if err != nil {
		return nil, nil, err
	}
	var parts sync.WaitGroup
	parts.Go(func() { _ = d.router.Run(ctx) })
	parts.Go(func() {
		if err := d.router.Peer(ctx, peer); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	})
	return d, func() {
		parts.Wait()
		peer.Close()
		d.fabric.Close()
	}, nil
}

func (d *device) credential(name spec.Name, filters ...spec.Filter) spec.DesiredCredential {
	sum := sha256.Sum256([]byte(password))
	return spec.DesiredCredential{Name: name, Hash: hex.EncodeToString(sum[:]), Subscribe: filters, Publish: filters}
}

func (d *device) hostPort(protocol string) (string, string) {
	host, port, err := net.SplitHostPort(d.fabric.Address(protocol))
	if err != nil {
		d.t.Fatal(err)
	}
	return host, port
}

// tool finds something that tools/deps.sh installs.
func tool(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../.tools", path))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Skipf("%v: run `make deps`", err)
	}
	return path
}

func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(name), err, out)
	}
	return string(out)
}

func TestPaho(t *testing.T) {
	d := start(t)
	python := tool(t, "venv/bin/python")
	if exec.Command(python, "-c", "import paho.mqtt").Run() != nil {
		t.Skip("paho-mqtt is not installed: run `make deps`")
	}
	host, port := d.hostPort("mqtt")
	if out := run(t, nil, python, "testdata/paho_client.py", host, port, "sensor", password); !strings.Contains(out, "ok") {
		t.Error(out)
	}
}

func TestMQTTJS(t *testing.T) {
	d := start(t)
	library := tool(t, "mqttjs/node_modules/mqtt")
	for _, url := range []string{"mqtt://" + d.fabric.Address("mqtt"), "ws://" + d.fabric.Address("websocket") + "/mqtt"} {
		if out := run(t, []string{"MQTTJS=" + library}, "node", "testdata/mqttjs_client.cjs", url, "sensor", password); !strings.Contains(out, "ok") {
			t.Error(url, out)
		}
	}
}

// TestNATSPython: the NATS client for Python, which shares no code with the one for Go.
func TestNATSPython(t *testing.T) {
	d := start(t)
	python := tool(t, "venv/bin/python")
	if exec.Command(python, "-c", "import nats").Run() != nil {
		t.Skip("nats-py is not installed: run `make deps`")
	}
	local, err := d.router.Local("")
	if err != nil {
		t.Fatal(err)
	}
	pong := func(m exchange.Message) {
		if err := local.Publish("a/pong", m.Payload); err != nil {
			t.Error(err)
		}
	}
	if _, err := local.Subscribe("b/ping", exchange.SubscribeOptions{}, pong); err != nil {
		t.Fatal(err)
	}
	d.Apply([]spec.DesiredCredential{d.credential("sensor", "a/#", "b/#")})
	if out := run(t, nil, python, "testdata/nats_client.py", d.fabric.Address("nats"), "sensor", password); !strings.Contains(out, "ok") {
		t.Error(out)
	}
}

// mosquitto runs one of mosquitto's clients to its end.
func (d *device) mosquitto(program string, args ...string) (string, error) {
	d.t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		d.t.Skipf("%v: run `make deps`", err)
	}
	host, port := d.hostPort("mqtt")
	c := exec.Command(program, append([]string{"-h", host, "-p", port, "-V", "mqttv311"}, args...)...)
	out, err := c.CombinedOutput()
	return string(out), err
}

// TestMosquitto: messages cross between mosquitto's clients and applications, and
// what is not permitted is refused, counted and told by topic.
func TestMosquitto(t *testing.T) {
	d := start(t)
	local, err := d.router.Local("")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 10)
	if _, err := local.Subscribe("#", exchange.SubscribeOptions{}, func(m exchange.Message) { got <- fmt.Sprintf("%s=%s", m.Topic, m.Payload) }); err != nil {
		t.Fatal(err)
	}
	login := []string{"-u", "sensor", "-P", password}
	if out, err := d.mosquitto("mosquitto_pub", append(login, "-t", "a/x", "-m", "up", "-q", "1")...); err != nil {
		t.Fatal(out, err)
	}
	if m := <-got; m != "a/x=up" {
		t.Errorf("an application got %s", m)
	}
	// The denied publish is acknowledged, as 3.1.1 wants it, and reaches nobody.
	if out, err := d.mosquitto("mosquitto_pub", append(login, "-t", "b/x", "-m", "no", "-q", "1")...); err != nil {
		t.Error(out, err)
	}
	if out, _ := d.mosquitto("mosquitto_sub", append(login, "-t", "b/#", "-W", "5")...); !strings.Contains(out, "denied") {
		t.Errorf("subscribing to another's topic: %s", out)
	}
	if out, err := d.mosquitto("mosquitto_pub", "-u", "sensor", "-P", "wrong", "-t", "a/x", "-m", "no"); err == nil {
		t.Errorf("a wrong password: %s", out)
	}
	if out, err := d.mosquitto("mosquitto_pub", "-t", "a/x", "-m", "no"); err == nil {
		t.Errorf("nobody: %s", out)
	}
	d.until("both denials are known", func() bool {
		kinds := map[exchange.DenialKind]string{}
		for _, denial := range d.router.Denials() {
			if denial.Credential && denial.Application == "sensor" {
				kinds[denial.Kind] = denial.Topic
			}
		}
		return kinds[exchange.DenyPublish] == "b/x" && kinds[exchange.DenySubscribe] == "b/#"
	})
	received := make(chan string, 1)
	go func() {
		out, _ := d.mosquitto("mosquitto_sub", append(login, "-t", "a/down", "-C", "1", "-W", "30")...)
		received <- out
	}()
	d.until("the message has arrived", func() bool {
		if err := local.Publish("a/down", []byte("hello")); err != nil {
			t.Fatal(err)
		}
		select {
		case out := <-received:
			return strings.TrimSpace(out) == "hello"
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
}

func (d *device) until(what string, holds func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatal("never: " + what)
		}
	}
}

func (d *device) nats(name string, o ...nats.Option) (*nats.Conn, error) {
	o = append(o, nats.UserInfo(name, password), nats.CustomInboxPrefix(access.Inbox(spec.Name(name))), nats.ReconnectWait(10*time.Millisecond))
	return nats.Connect("nats://"+d.fabric.Address("nats"), o...)
}

// TestNATS: subjects are topics; requests, permissions and their change.
func TestNATS(t *testing.T) {
	d := start(t)
	local, err := d.router.Local("")
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 10)
	nc, err := d.nats("sensor", nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { told <- err }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	sub, err := nc.SubscribeSync("a.*")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := local.Publish("a/x", []byte("from an application")); err != nil {
		t.Fatal(err)
	}
	if m, err := sub.NextMsg(patience); err != nil || string(m.Data) != "from an application" {
		t.Error(m, err)
	}
	for _, forbidden := range []string{"b.x", "$JS.API.INFO", "$SYS.REQ.SERVER.PING", "_INBOX.x"} {
		if err := nc.Publish(forbidden, nil); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-told:
			if !strings.Contains(err.Error(), "Permissions Violation") {
				t.Errorf("%s: %v", forbidden, err)
			}
		case <-time.After(patience):
			t.Errorf("publishing on %s was not refused", forbidden)
		}
	}
	answerer, err := d.nats("sensor")
	if err != nil {
		t.Fatal(err)
	}
	defer answerer.Close()
	if _, err := answerer.Subscribe("a.ask", func(m *nats.Msg) { _ = m.Respond(append([]byte("re: "), m.Data...)) }); err != nil {
		t.Fatal(err)
	}
	if err := answerer.Flush(); err != nil {
		t.Fatal(err)
	}
	if m, err := nc.Request("a.ask", []byte("hello"), patience); err != nil || string(m.Data) != "re: hello" {
		t.Error(m, err)
	}
	if _, err := nats.Connect("nats://" + d.fabric.Address("nats")); err == nil {
		t.Error("nobody may connect")
	}
}

// TestWiderThanPermitted: a subscription that is wider than the permission is refused, over MQTT
// and over NATS, also where nats-server would grant it ("a.>" by "a.*"); nothing of the rest comes.
func TestWiderThanPermitted(t *testing.T) {
	d := start(t)
	d.Apply([]spec.DesiredCredential{d.credential("sensor", "a/+", "b/+/x", "c/x/#", "d", "e/+", "e/+/x"), d.credential("other", "#")})
	d.nothingBeyond()
	running := make(chan struct{})
	go func() { _ = d.fabric.Run(t.Context()); close(running) }()
	t.Cleanup(func() { <-running })
	permitted := map[string]bool{
		"a/+": true, "a/#": false, "#": false, "a/+/x": false, "b/+/x": true, "b/y/x": true, "b/#": false, "b/+/+": false, "+/+/x": false,
		"c/x/#": true, "c/x/+": true, "c/x": true, "c/#": false, "c/+/y": false, "d": true, "d/#": false, "d/+": false, "+": false, "a": false, "e/#": false,
	}
	for filter, want := range permitted {
		out, _ := d.mosquitto("mosquitto_sub", "-u", "sensor", "-P", password, "-t", filter, "-E", "-W", "30")
		if granted := !strings.Contains(out, "denied"); granted != want {
			t.Errorf("MQTT %s: granted %v: %s", filter, granted, out)
		}
		if subjects := exchange.Subjects([]spec.Filter{spec.Filter(filter)}); len(subjects) == 1 {
			d.natsGrants(subjects[0], want)
		}
	}
	for _, wide := range []string{"a.>", "e.>", ">"} {
		d.natsGrants(wide, false)
	}
}

// nothingBeyond: while nobody looks, nats-server itself leaves out what is not permitted.
func (d *device) nothingBeyond() {
	d.t.Helper()
	nc, err := d.nats("sensor")
	if err != nil {
		d.t.Fatal(err)
	}
	defer nc.Close()
	other, err := d.nats("other")
	if err != nil {
		d.t.Fatal(err)
	}
	defer other.Close()
	sub, err := nc.SubscribeSync("a.>")
	if err != nil {
		d.t.Fatal(err)
	}
	_ = nc.Flush()
	for _, subject := range []string{"a.b.c", "a.x"} {
		if err := other.Publish(subject, nil); err != nil {
			d.t.Fatal(err)
		}
	}
	if m, err := sub.NextMsg(patience); err != nil || m.Subject != "a.x" {
		d.t.Errorf("%v, %v came instead of what is permitted", m, err)
	}
}

// natsGrants wants a NATS client to have a subscription, or to be refused it: at once by
// nats-server, or soon.
func (d *device) natsGrants(subject string, want bool) {
	d.t.Helper()
	refused := make(chan struct{})
	refuse := sync.OnceFunc(func() { close(refused) })
	nc, err := d.nats("sensor", nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { refuse() }),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) { refuse() }))
	if err != nil {
		d.t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.SubscribeSync(subject); err != nil {
		d.t.Fatal(err)
	}
	_ = nc.Flush() // fails if it is closed already
	d.fabric.Interest(subject)
	if want {
		_ = nc.Flush()
		select {
		case <-refused:
			d.t.Errorf("NATS %s: refused", subject)
		default:
		}
		return
	}
	select {
	case <-refused:
	case <-time.After(patience):
		d.t.Errorf("NATS %s: granted", subject)
	}
}

// TestChanges: a credential that changes or goes disconnects its clients at once;
// those that may come back do, with what they may do now.
func TestChanges(t *testing.T) {
	d := start(t)
	var gone sync.WaitGroup
	gone.Add(1)
	lost := sync.OnceFunc(gone.Done)
	nc, err := d.nats("sensor", nats.DisconnectErrHandler(func(*nats.Conn, error) { lost() }), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	sub, err := nc.SubscribeSync("c.*")
	if err != nil {
		t.Fatal(err)
	}
	_ = nc.Flush()
	if n := d.fabric.Connections("sensor"); n != 1 {
		t.Errorf("%d connections", n)
	}
	unchanged := d.credential("other", "b/#")
	d.Apply([]spec.DesiredCredential{d.credential("sensor", "c/#"), unchanged})
	gone.Wait()
	d.until("it is back", nc.IsConnected)
	local, err := d.router.Local("")
	if err != nil {
		t.Fatal(err)
	}
	d.until("it has its new topics", func() bool {
		if err := local.Publish("c/x", []byte("new")); err != nil {
			t.Fatal(err)
		}
		m, err := sub.NextMsg(100 * time.Millisecond)
		return err == nil && bytes.Equal(m.Data, []byte("new"))
	})
	d.Apply([]spec.DesiredCredential{unchanged})
	d.until("it is shut out", func() bool { return !nc.IsConnected() && d.fabric.Connections("sensor") == 0 })
	if c, err := d.nats("sensor"); err == nil {
		c.Close()
		t.Error("a deleted credential is good")
	}
}

// TestSameClientID: an MQTT session belongs to the credential that has used its
// client id first; the same credential's second connection takes it over.
func TestSameClientID(t *testing.T) {
	d := start(t)
	pub := func(user string) error {
		_, err := d.mosquitto("mosquitto_pub", "-u", user, "-P", password, "-i", "one", "-t", "a/x", "-m", "m", "-q", "1")
		return err
	}
	if err := pub("sensor"); err != nil {
		t.Fatal(err)
	}
	if pub("other") == nil {
		t.Error("another credential took over the client id")
	}
	if err := pub("sensor"); err != nil {
		t.Error(err)
	}
	d.Apply([]spec.DesiredCredential{d.credential("other", "a/#")})
	if err := pub("other"); err != nil {
		t.Errorf("the first owner is gone: %v", err)
	}
}

// TestSameMQTTClient: of two connections with one client id and credential the newer one stays,
// as MQTT wants it.
func TestSameMQTTClient(t *testing.T) {
	d := start(t)
	host, port := d.hostPort("mqtt")
	client := func(name string, args ...string) (*exec.Cmd, *output) {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%v: run `make deps`", err)
		}
		c := exec.Command("stdbuf", append([]string{"-oL", name, "-d", "-h", host, "-p", port, "-V", "mqttv311", "-i", "one", "-u", "sensor", "-P", password, "-t", "a/x"}, args...)...)
		said := &output{}
		c.Stdout, c.Stderr = said, said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = c.Process.Kill(), c.Wait() })
		return c, said
	}
	_, said := client("mosquitto_sub")
	d.until("the first has subscribed", func() bool { return said.count("SUBACK") == 1 })
	second, _ := client("mosquitto_pub", "-m", "of the second", "-q", "1")
	if err := second.Wait(); err != nil {
		t.Errorf("the second was not let in: %v", err)
	}
	d.until("the first was sent away, and came back when the second had gone", func() bool {
		return said.count("sending CONNECT") > 1 && said.count("SUBACK") > 1
	})
}

// TestSameNATSClient: connections with one credential are beside each other. Each has its own
// subscriptions, and the end of one does not touch the other.
func TestSameNATSClient(t *testing.T) {
	d := start(t)
	var connections [2]*nats.Conn
	var subs [2]*nats.Subscription
	for i := range connections {
		nc, err := d.nats("sensor", nats.Name("same"), nats.NoReconnect())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		sub, err := nc.SubscribeSync("a.*")
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		connections[i], subs[i] = nc, sub
	}
	expect := func(sub *nats.Subscription, payload string) {
		t.Helper()
		if m, err := sub.NextMsg(patience); err != nil || string(m.Data) != payload {
			t.Errorf("%v %v instead of %s", m, err, payload)
		}
	}
	if err := connections[0].Publish("a.x", []byte("to both")); err != nil {
		t.Fatal(err)
	}
	expect(subs[0], "to both")
	expect(subs[1], "to both")
	connections[0].Close()
	if err := connections[1].Publish("a.x", []byte("still here")); err != nil {
		t.Fatal(err)
	}
	expect(subs[1], "still here")
}

// anyPort is the address for a second listener beside one at mqtt, if there is one.
func anyPort(mqtt string) string {
	if mqtt == "" {
		return ""
	}
	return "127.0.0.1:0"
}
