package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Roles of this program's other processes.
const (
	roleVariable = "BENCH_ROLE"
	roleEcho     = "echo"
	roleDriver   = "driver"
)

func play(role string) error {
	switch role {
	case roleEcho:
		return echo()
	case roleDriver:
		return drive()
	}
	return errors.New("no role " + role)
}

// peer is a process beside the one that is measured.
type peer struct {
	process *exec.Cmd
	stdin   io.Closer
	address string
	dir     string // removed with it
}

// startRole starts this program in a role that tells its address.
func startRole(role string) (*peer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &peer{process: exec.Command(self)}
	p.process.Env = append(os.Environ(), roleVariable+"="+role)
	p.process.Stderr = os.Stderr
	p.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if p.stdin, err = p.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	p.address = strings.TrimSpace(line)
	return p, err
}

func (p *peer) stop() {
	if p.stdin != nil {
		_ = p.stdin.Close() // it ends by that, or by the signal
	}
	_ = p.process.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(5*time.Second, func() { _ = p.process.Process.Kill() })
	_ = p.process.Wait() // how it ended is nobody's concern
	late.Stop()
	if p.dir != "" {
		_ = os.RemoveAll(p.dir)
	}
}

// startMosquitto starts a broker for everybody on loopback; nil where there is none.
func startMosquitto() (*peer, error) {
	path := ""
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
		}
	}
	if path == "" {
		return nil, nil
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p := &peer{address: address}
	if p.dir, err = os.MkdirTemp("", "fm"); err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(address, ":")
	conf := "listener " + port + " 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\nmax_inflight_messages 0\nlog_type error\n"
	if os.Geteuid() == 0 {
		conf += "user root\n" // it would give up being root, and with it the directory
	}
	file := filepath.Join(p.dir, "mosquitto.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	p.process = exec.Command(path, "-c", file)
	p.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	return p, p.listens()
}

// listens waits until somebody accepts at the address.
func (p *peer) listens() error {
	err := until("a peer listens at "+p.address, func() bool {
		m, err := dialMQTT(p.address, "", "", "ready")
		if err == nil {
			m.close()
		}
		return err == nil
	})
	if err != nil {
		p.stop()
	}
	return err
}

// mosquittoAlone is a message's way through mosquitto back to who sent it, by number in flight.
func mosquittoAlone(o options, t *table) (map[int]float64, error) {
	rates := map[int]float64{}
	p, err := startMosquitto()
	if err != nil {
		return nil, err
	}
	if p == nil {
		t.line("mosquitto alone", "left out: it is not installed")
		return rates, nil
	}
	defer p.stop()
	for _, flight := range o.flights {
		f, err := topicFigures(o, flight, "bench/in", p.used, func() (messenger, error) { return dialMQTT(p.address, "", "", "bench/in") })
		if err != nil {
			return nil, fmt.Errorf("mosquitto: %w", err)
		}
		rates[flight] = f.rate
		t.row("mosquitto alone", flight, f, 1, fmt.Sprintf("%.1f MB", proportional(p.process.Process.Pid)/1e6))
	}
	return rates, nil
}
