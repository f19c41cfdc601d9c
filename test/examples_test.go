package test

import (
	"encoding/json"
	"fmt"
	"testing"

	"fescue.dev/fescue/spec"
)

// tailing runs a command in the background and gives what `tail` shows of a filter.
func (m *machine) tailing(filter spec.Filter, do func()) spec.Message {
	m.t.Helper()
	heard := make(chan string, 1)
	go func() {
		r := m.cli("tail", string(filter), "--count", "1", "-o", "json")
		heard <- r.stdout
	}()
	var message spec.Message
	m.eventually("a message on "+string(filter), func() error {
		do() // the tail says nothing when it is ready
		select {
		case text := <-heard:
			return json.Unmarshal([]byte(text), &message)
		default:
			return fmt.Errorf("nothing was heard")
		}
	})
	return message
}

// What is posted is published, below the topics that are granted.
func TestExampleHTTPBridge(t *testing.T) {
	m := newMachine(t)
	m.must("deploy", "../examples/http-bridge")
	got := m.tailing("web/#", func() {
		if status, body, _ := m.http("POST", "/publish/house/lamp", `{"on": true}`); status != 202 {
			t.Fatalf("%d %s", status, body)
		}
	})
	if got.Topic != "web/house/lamp" || string(got.Payload) != `{"on": true}` || got.From != "http-bridge" {
		t.Errorf("%s %s from %s", got.Topic, got.Payload, got.From)
	}
}

// Readings become averages, what is none is left out.
func TestExampleSensorAverage(t *testing.T) {
	m := newMachine(t)
	m.must("deploy", "../examples/sensor-average")
	got := m.tailing("averages/#", func() {
		for _, reading := range []string{"20.5", "21", "null", "21.5", "5000"} {
			m.must("pub", "sensors/kitchen/temperature", reading)
		}
	})
	var average struct {
		Mean, Min, Max float64
		Count          int
	}
	if err := json.Unmarshal(got.Payload, &average); err != nil {
		t.Fatal(err)
	}
	if got.Topic != "averages/kitchen/temperature" || average.Count == 0 || average.Min < 20.5 || average.Max > 21.5 || average.Mean < average.Min || average.Mean > average.Max {
		t.Errorf("%s %s", got.Topic, got.Payload)
	}
	m.eventually("what is no temperature is logged", func() error { return contains(m.must("logs", "sensor-average"), "None is no temperature") })
}
