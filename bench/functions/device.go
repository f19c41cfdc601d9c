package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// device is a `fescue up` with a state of its own.
type device struct {
	binary  string
	state   string
	gateway string // address
	mqtt    string // address
	secret  string // of the credential "bench"
	process *exec.Cmd
	log     bytes.Buffer
}

const patience = time.Minute

func startDevice(o options) (*device, error) {
	state, err := os.MkdirTemp("", "fu")
	if err != nil {
		return nil, err
	}
	d := &device{binary: o.binary, state: state}
	if err := errors.Join(os.Chmod(state, 0o711), d.up(o)); err != nil {
		return nil, errors.Join(err, d.stop())
	}
	return d, nil
}

func (d *device) up(o options) (err error) {
	if d.mqtt, err = freeAddress(); err != nil {
		return err
	}
	d.process = exec.Command(d.binary, "up", "--state", d.state, "--listen", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--mqtt", d.mqtt)
	d.process.Stdout, d.process.Stderr = &d.log, &d.log
	d.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := d.process.Start(); err != nil {
		return err
	}
	file := filepath.Join(d.state, "device", "gateway", "url")
	if err := until("the gateway listens", func() bool {
		url, err := os.ReadFile(file)
		d.gateway = strings.TrimPrefix(strings.TrimSpace(string(url)), "http://")
		return err == nil && d.gateway != ""
	}); err != nil {
		return fmt.Errorf("%w\n%s", err, d.log.String())
	}
	text, err := d.fescue("create", "credential", "bench", "--publish", "#", "--subscribe", "#", "-o", "json")
	if err != nil {
		return err
	}
	var made struct{ Secret string }
	err = json.Unmarshal([]byte(text), &made)
	d.secret = made.Secret
	return err
}

// freeAddress is a port of loopback that nobody has at the moment.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func until(what string, holds func() bool) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if holds() {
			return nil
		}
	}
	return errors.New("not in time: " + what)
}

func (d *device) stop() error {
	var err error
	if d.process != nil && d.process.Process != nil {
		_ = d.process.Process.Signal(syscall.SIGTERM) // it may have ended
		err = d.process.Wait()
	}
	return errors.Join(err, os.RemoveAll(d.state))
}

func (d *device) fescue(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, d.binary, args...)
	cmd.Env = append(os.Environ(), "FESCUE_STATE="+d.state)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("fescue %s: %w\n%s%s", strings.Join(args, " "), err, out, errs.String())
	}
	return string(out), nil
}

// application is a subject that was deployed.
type application struct {
	name    string
	subject subject
}

// deploy deploys a subject under a name; more goes on with its configuration.
func (d *device) deploy(s subject, name, more string) (*application, error) {
	dir, err := s.artifact(name, more)
	if dir != "" {
		defer os.RemoveAll(dir)
	}
	if err != nil {
		return nil, err
	}
	_, err = d.fescue("deploy", dir)
	return &application{name, s}, err
}

func (d *device) delete(a *application) error {
	_, err := d.fescue("delete", "--versions", a.name)
	return err
}

// each deploys the subjects one after the other, with a route and a topic, and measures each.
func (d *device) each(o options, t *table, measure func(*application) error) error {
	for _, s := range subjects() {
		if !slices.Contains(o.only, s.name) {
			continue
		}
		if why := s.missing(); why != "" {
			t.line(s.name, why)
			continue
		}
		more := fmt.Sprintf("triggers:\n  - {http: POST /%s, auth: public}\n  - {topic: %s/in, reply: %s/out}\n", s.name, s.name, s.name)
		a, err := d.deploy(s, s.name, more)
		if err == nil {
			err = errors.Join(measure(a), d.delete(a))
		}
		if err != nil {
			log, _ := d.fescue("logs", s.name) // the error tells more
			return fmt.Errorf("%s: %w\n%s", s.name, err, log)
		}
	}
	return nil
}
