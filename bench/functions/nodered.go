package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const nodeRED = "node-red@4.1.1"

// installNodeRED installs it into .tools, once; the program's path, or why it cannot be.
func installNodeRED() (program, why string) {
	dir, err := filepath.Abs(filepath.Join(".tools", "node-red"))
	if err != nil {
		return "", err.Error()
	}
	program = filepath.Join(dir, "node_modules", "node-red", "red.js")
	if _, err := os.Stat(program); err == nil {
		return program, ""
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return "", "left out: this machine has no npm"
	}
	fmt.Println("installing", nodeRED, "into .tools")
	out, err := exec.Command("npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--no-package-lock", "--omit=dev", nodeRED).CombinedOutput()
	if err != nil {
		return "", fmt.Sprintf("left out: npm install: %v: %.300s", err, out)
	}
	return program, ""
}

// startNodeRED starts it with one flow by HTTP and one by the broker's topics, both of which
// give back what they get, through a function node.
func startNodeRED(program, broker string) (*peer, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p := &peer{address: address}
	if p.dir, err = os.MkdirTemp("", "fn"); err != nil {
		return nil, err
	}
	_, brokerPort, err := net.SplitHostPort(broker)
	if err != nil {
		return nil, err
	}
	node := func(id, kind string, more map[string]any, to ...string) map[string]any {
		n := map[string]any{"id": id, "type": kind, "z": "t", "x": 1, "y": 1, "wires": [][]string{append([]string{}, to...)}}
		for k, v := range more {
			n[k] = v
		}
		return n
	}
	work := map[string]any{"func": "msg.payload = JSON.parse(JSON.stringify(msg.payload));\nreturn msg;", "outputs": 1, "libs": []string{}}
	flows := []map[string]any{
		{"id": "t", "type": "tab", "label": "bench"},
		{"id": "b", "type": "mqtt-broker", "broker": "127.0.0.1", "port": brokerPort, "protocolVersion": "4", "keepalive": "60", "cleansession": true},
		node("h1", "http in", map[string]any{"url": "/bench", "method": "post"}, "h2"),
		node("h2", "function", work, "h3"),
		node("h3", "http response", nil),
		node("m1", "mqtt in", map[string]any{"topic": "red/in", "qos": "0", "datatype": "json", "broker": "b", "inputs": 0}, "m2"),
		node("m2", "function", work, "m3"),
		node("m3", "mqtt out", map[string]any{"topic": "red/out", "qos": "0", "broker": "b"}),
	}
	text, err := json.Marshal(flows)
	if err != nil {
		return nil, err
	}
	settings := "module.exports = { flowFile: 'flows.json', httpAdminRoot: false, disableEditor: true, logging: { console: { level: 'error' } }, telemetry: { enabled: false } };\n"
	if err := os.WriteFile(filepath.Join(p.dir, "flows.json"), text, 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(p.dir, "settings.js"), []byte(settings), 0o644); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(address)
	if _, err := strconv.Atoi(port); err != nil {
		return nil, err
	}
	p.process = exec.Command("node", program, "--userDir", p.dir, "--settings", filepath.Join(p.dir, "settings.js"), "--port", port)
	p.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	var last error
	err = until("Node-RED answers", func() bool {
		r, err := openRequest(address, "/bench", 0, 64)
		if err != nil {
			last = err
			return false
		}
		defer r.close()
		_ = r.conn.SetDeadline(time.Now().Add(2 * time.Second)) // it is open
		last = r.call()
		return last == nil
	})
	err = errors.Join(err, last)
	if err == nil {
		err = until("Node-RED answers by MQTT", func() bool { return exchangesOnce(broker) })
	}
	if err != nil {
		p.stop()
	}
	return p, err
}

// exchangesOnce tells whether a message through the broker is answered.
func exchangesOnce(broker string) bool {
	m, err := dialMQTT(broker, "", "", "red/out")
	if err != nil {
		return false
	}
	defer m.close()
	m.patience(500 * time.Millisecond)
	return m.send("red/in", [][]byte{event(nil, 0, 0, 64)}) == nil && m.receive(func([]byte) error { return nil }) == nil
}

// measurePeers measures Node-RED as functions are measured.
func measurePeers(o options, _ *device) error {
	t := newTable("peers", "in flight", "rate/s", "p50", "p99", "CPU/call", "÷ mosquitto", "memory")
	program, why := installNodeRED()
	if why != "" {
		t.line("Node-RED", why)
		return nil
	}
	base, err := mosquittoAlone(o, t)
	if err != nil {
		return err
	}
	broker, err := startMosquitto()
	if err != nil || broker == nil {
		return err
	}
	defer broker.stop()
	red, err := startNodeRED(program, broker.address)
	if err != nil {
		return err
	}
	defer red.stop()
	size := func() string { return fmt.Sprintf("%.1f MB", proportional(red.process.Process.Pid)/1e6) }
	for _, flight := range o.flights {
		f, err := topicFigures(o, flight, "red/in", red.used, func() (messenger, error) { return dialMQTT(broker.address, "", "", "red/out") })
		if err != nil {
			return err
		}
		t.row("Node-RED, MQTT", flight, f, f.rate/max(base[flight], 1), size())
	}
	for _, flight := range o.flights {
		f, err := httpFigures(o, red.address, "/bench", flight, red.used)
		if err != nil {
			return err
		}
		t.row("Node-RED, HTTP", flight, f, 0, size())
	}
	return nil
}
