package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience bounds every wait.
const patience = 2 * time.Minute

// agent is a running `fescue up`.
type agent struct {
	binary, state string
	mqtt, nats    string
	cmd           *exec.Cmd
	log           *os.File
}

func startAgent(ctx context.Context, binary string) (*agent, error) {
	state, err := os.MkdirTemp("", "fs")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(state, 0o711); err != nil {
		return nil, err
	}
	a := &agent{binary: binary, state: state}
	if a.mqtt, err = freeAddress(); err != nil {
		return nil, err
	}
	if a.nats, err = freeAddress(); err != nil {
		return nil, err
	}
	a.cmd = exec.CommandContext(ctx, binary, "up", "--state", state, "--listen", "127.0.0.1:0", "--gateway", "", "--mqtt", a.mqtt, "--nats", a.nats)
	if a.log, err = os.Create(filepath.Join(state, "log")); err != nil {
		return nil, err
	}
	a.cmd.Stdout, a.cmd.Stderr = a.log, a.log
	a.cmd.Cancel = func() error { return a.cmd.Process.Signal(syscall.SIGTERM) }
	a.cmd.WaitDelay = patience
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	return a, a.serving(ctx)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (a *agent) serving(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		conn, err := net.Dial("tcp", a.nats)
		if err == nil {
			_ = conn.Close()
			if _, err = os.Stat(filepath.Join(a.state, "server", "url")); err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("fescue up does not serve: %w\n%s", err, a.lastWords())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lastWords are the last lines of its log.
func (a *agent) lastWords() string {
	text, _ := os.ReadFile(a.log.Name()) // without it there is less to tell
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// stop ends it, and its applications with it.
func (a *agent) stop() {
	_ = a.cmd.Process.Signal(syscall.SIGTERM)
	killer := time.AfterFunc(patience, func() { _ = a.cmd.Process.Kill() })
	_ = a.cmd.Wait() // it was told to
	killer.Stop()
	_ = a.log.Close()
	_ = os.RemoveAll(a.state)
}

// fescue runs a command of the CLI.
func (a *agent) fescue(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, a.binary, args...)
	cmd.Env = append(os.Environ(), "FESCUE_STATE="+a.state)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("fescue %s: %w\n%s%s", strings.Join(args, " "), err, out, errs.String())
	}
	return out, nil
}

// credential makes a login for the benchmark's own clients and returns its password.
func (a *agent) credential(ctx context.Context, name string) (string, error) {
	out, err := a.fescue(ctx, "create", "credential", name, "--publish", "scale/#", "--subscribe", "scale/#", "-o", "json")
	if err != nil {
		return "", err
	}
	var made struct {
		Secret string `json:"secret"`
	}
	err = json.Unmarshal(out, &made)
	return made.Secret, err
}

// deploy deploys a member of the benchmark.
func (a *agent) deploy(ctx context.Context, program, name, ipc string, topics int) error {
	dir, err := os.MkdirTemp("", "fa")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	text, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "member"), text, 0o755); err != nil {
		return err
	}
	config := fmt.Sprintf("name: %s\nversion: 1.0.0\nruntime: native\nipc: %s\ncommands:\n  - run: exec ./member %s %d\n"+
		"resources:\n  subscribe: ['scale/#']\n  publish: ['scale/#']\n", name, ipc, name, topics)
	if err := os.WriteFile(filepath.Join(dir, "fescue.yaml"), []byte(config), 0o644); err != nil {
		return err
	}
	_, err = a.fescue(ctx, "deploy", dir)
	return err
}

// memory is the agent's proportional set, without the pages that others share, in bytes.
func (a *agent) memory() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", a.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) > 1 && words[0] == "Pss:" {
			kib, err := strconv.ParseFloat(words[1], 64)
			return 1024 * kib, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/smaps_rollup has no Pss", a.cmd.Process.Pid)
}
