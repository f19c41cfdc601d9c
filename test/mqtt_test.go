package test

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// sensors is a machine with an MQTT listener, and its address.
func sensors(t *testing.T, args ...string) (*machine, string, string) {
	t.Helper()
	if _, err := exec.LookPath("mosquitto_pub"); err != nil {
		t.Skipf("%v: run `make deps`", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close() // the machine takes the port
	host, port, _ := net.SplitHostPort(address)
	return newMachine(t, append([]string{"--mqtt", address}, args...)...), host, port
}

// credential makes a login and returns its password.
func (m *machine) credential(name string, args ...string) string {
	m.t.Helper()
	out := m.must(append([]string{"create", "credential", name}, args...)...)
	fields := strings.Fields(out)
	if len(fields) != 4 || fields[2] != name {
		m.t.Fatalf("create credential: %s", out)
	}
	return fields[3]
}

// A credential is good when the command that makes it returns, is refused what it does not
// name, visibly, and when it is deleted who uses it is disconnected at once.
func TestSensors(t *testing.T) {
	m, host, port := sensors(t)
	publish := func(name, password, topic, payload string) (string, error) {
		out, err := exec.Command("mosquitto_pub", "-h", host, "-p", port, "-u", name, "-P", password, "-t", topic, "-m", payload, "-q", "1").CombinedOutput()
		return string(out), err
	}
	for n := range 5 { // each at the first attempt
		name := fmt.Sprint("sensor-", n)
		password := m.credential(name, "--publish", "sensors/#", "--subscribe", "sensors/#")
		if out, err := publish(name, password, "sensors/x", "21.5"); err != nil {
			t.Fatalf("%s cannot publish though its credential has been made: %s", name, out)
		}
	}
	password := m.credential("kitchen", "--publish", "sensors/kitchen/#", "--subscribe", "sensors/#")
	for range 3 {
		if out, err := publish("kitchen", password, "secret/x", "no"); err != nil { // 3.1.1 has no other answer
			t.Errorf("a denied publish: %s", out)
		}
	}
	m.eventually("the denied publish is shown", func() error {
		out := m.must("topics", "--denied")
		for line := range strings.SplitSeq(out, "\n") {
			if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(line, "kitchen (credential)") {
				if fields[2] == "publish" && fields[3] == "secret/x" && fields[4] == "3" {
					return nil
				}
			}
		}
		return fmt.Errorf("%s", out)
	})
	m.eventually("it is in the device's log, and not for each message", func() error { return contains(m.log.String(), "topic=secret/x") })
	if n := strings.Count(m.log.String(), "topic=secret/x"); n > 2 {
		t.Errorf("three denials in a moment are %d lines", n)
	}

	sub := exec.Command("mosquitto_sub", "-h", host, "-p", port, "-u", "kitchen", "-P", password, "-t", "sensors/#")
	said := &output{}
	sub.Stdout, sub.Stderr = said, said
	if err := sub.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = sub.Wait(); close(ended) }()
	t.Cleanup(func() { _ = sub.Process.Kill(); <-ended })
	m.eventually("it has subscribed", func() error {
		if out, err := publish("kitchen", password, "sensors/kitchen/x", "here"); err != nil {
			return fmt.Errorf("%s", out)
		}
		return contains(said.String(), "here")
	})
	m.must("delete", "credential", "kitchen")
	m.eventually("it is disconnected, and not let in again", func() error {
		select {
		case <-ended:
			return nil
		default:
		}
		return contains(said.String(), "not authorised")
	})
	if out, err := publish("kitchen", password, "sensors/kitchen/x", "no"); err == nil {
		t.Errorf("a deleted credential is good: %s", out)
	}
}

// What is published is seen as JSON, text or bytes, with rates and last messages.
func TestSeeingMessages(t *testing.T) {
	m, host, port := sensors(t)
	password := m.credential("sensor", "--publish", "#")
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-time.After(200 * time.Millisecond):
			}
			for topic, payload := range map[string]string{"s/json": fmt.Sprintf(`{"n": %d}`, n), "s/text": "warm", "s/bytes": "\x01\xff"} {
				_ = exec.Command("mosquitto_pub", "-h", host, "-p", port, "-u", "sensor", "-P", password, "-t", topic, "-m", payload).Run()
			}
		}
	}()
	t.Cleanup(func() { close(done); <-stopped })
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"tail", "s/json", "--count", "1", "--as", "json"}, `"n":`},
		{[]string{"tail", "s/text", "--count", "1"}, "warm"},
		{[]string{"tail", "s/bytes", "--count", "1", "--as", "hex"}, "01ff"},
		{[]string{"tail", "s/text", "--count", "1", "--as", "hex"}, "7761726d"},
	} {
		if out, err := m.try(c.args...); err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%v: %v\n%s", c.args, err, out)
		}
	}
	m.must("pub", "s/once", "before anybody looked")
	if err := contains(m.must("topics"), "before anybody looked"); err != nil {
		t.Errorf("the last message of a topic: %v", err)
	}
	m.eventually("rates and last messages", func() error {
		out := m.must("topics", "--rates")
		for _, want := range []string{"s/text", "@nats", "warm", `"n":`} {
			if err := contains(out, want); err != nil {
				return err
			}
		}
		return nil
	})
}
