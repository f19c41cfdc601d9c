// Command machine measures a whole Fescue as its user meets it: how long
// `fescue up` takes to serve, what it holds in memory at rest, how long a
// deployment takes from the command to the first correct answer, and what that
// writes to disk. Every answer is checked. Medians of several runs.
//
//	go run ./bench/machine -binary bin/fescue
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	binary := flag.String("binary", "bin/fescue", "the binary to measure")
	runs := flag.Int("runs", 5, "number of runs; medians are printed")
	settle := flag.Duration("settle", 3*time.Second, "rest before memory is read")
	flag.Parse()
	if err := measure(*binary, *runs, *settle); err != nil {
		fmt.Fprintln(os.Stderr, "machine:", err)
		os.Exit(1)
	}
}

// sample is one run.
type sample struct {
	start, restart, first, second, upgrade time.Duration
	pss, rss, written                      float64 // bytes
}

func measure(binary string, runs int, settle time.Duration) error {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	var samples []sample
	for range runs {
		s, err := one(binary, settle)
		if err != nil {
			return err
		}
		samples = append(samples, s)
	}
	info, err := os.Stat(binary)
	if err != nil {
		return err
	}
	ms := func(f func(sample) time.Duration) string {
		return fmt.Sprintf("%.0f ms", median(samples, func(s sample) float64 { return float64(f(s).Microseconds()) / 1000 }))
	}
	amount := func(unit float64, f func(sample) float64) float64 { return median(samples, f) / unit }
	fmt.Printf("binary                                           %.1f MB\n", float64(info.Size())/1e6)
	fmt.Printf("fescue up, empty state, to serving               %s\n", ms(func(s sample) time.Duration { return s.start }))
	fmt.Printf("fescue up, one function there, to serving        %s\n", ms(func(s sample) time.Duration { return s.restart }))
	fmt.Printf("fescue up at rest, no application, PSS           %.1f MB (RSS %.1f MB)\n",
		amount(1e6, func(s sample) float64 { return s.pss }), amount(1e6, func(s sample) float64 { return s.rss }))
	fmt.Printf("deploy to first correct answer                   %s\n", ms(func(s sample) time.Duration { return s.first }))
	fmt.Printf("the same for a second application                %s\n", ms(func(s sample) time.Duration { return s.second }))
	fmt.Printf("the same for a new version                       %s\n", ms(func(s sample) time.Duration { return s.upgrade }))
	fmt.Printf("written to disk by one small deployment          %.0f kB\n", amount(1e3, func(s sample) float64 { return s.written }))
	return nil
}

func median(samples []sample, f func(sample) float64) float64 {
	var v []float64
	for _, s := range samples {
		v = append(v, f(s))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// one starts an empty machine, reads it at rest, deploys to it and ends it.
func one(binary string, settle time.Duration) (s sample, err error) {
	state, err := os.MkdirTemp("", "fb")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(state)
	if err := os.Chmod(state, 0o711); err != nil {
		return s, err
	}
	m := &machine{binary: binary, state: state}
	if s.start, err = m.up(); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, m.down()) }()
	time.Sleep(settle)
	if s.pss, s.rss, err = m.memory(); err != nil {
		return s, err
	}
	before, err := m.written()
	if err != nil {
		return s, err
	}
	if s.first, err = m.deploy("one", "1.0.0"); err != nil {
		return s, err
	}
	after, err := m.written()
	if err != nil {
		return s, err
	}
	s.written = after - before
	if s.second, err = m.deploy("two", "1.0.0"); err != nil {
		return s, err
	}
	if s.upgrade, err = m.deploy("one", "1.0.1"); err != nil {
		return s, err
	}
	if err = m.down(); err != nil {
		return s, err
	}
	s.restart, err = m.up()
	return s, err
}

// machine is a running `fescue up`.
type machine struct {
	binary, state string
	process       *exec.Cmd
	log           bytes.Buffer
}

// up starts it and returns how long it took until its API served.
func (m *machine) up() (time.Duration, error) {
	url := filepath.Join(m.state, "server", "url")
	_ = os.Remove(url) // of the run before; there may be none
	m.process = exec.Command(m.binary, "up", "--state", m.state, "--listen", "127.0.0.1:0", "--gateway", "127.0.0.1:0")
	m.process.Stdout, m.process.Stderr = &m.log, &m.log
	begun := time.Now()
	if err := m.process.Start(); err != nil {
		return 0, err
	}
	for time.Since(begun) < 30*time.Second {
		if address, err := os.ReadFile(url); err == nil && len(address) > 0 {
			if r, err := http.Get(strings.TrimSpace(string(address)) + "/readyz"); err == nil {
				r.Body.Close()
				if r.StatusCode == http.StatusOK {
					return time.Since(begun), nil
				}
			}
		}
		time.Sleep(500 * time.Microsecond)
	}
	return 0, fmt.Errorf("it did not serve within 30 s:\n%s", m.log.String())
}

func (m *machine) down() error {
	if m.process == nil || m.process.ProcessState != nil {
		return nil
	}
	if err := m.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return m.process.Wait()
}

// memory is the process's proportional and resident set, in bytes.
func (m *machine) memory() (pss, rss float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", m.process.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	return 1024 * field(text, "Pss:"), 1024 * field(text, "Rss:"), nil
}

// written is what the process has caused to be written to disk so far, in bytes.
func (m *machine) written() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", m.process.Process.Pid))
	return field(text, "write_bytes:"), err
}

func field(text []byte, name string) float64 {
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) > 1 && words[0] == name {
			v, _ := strconv.ParseFloat(words[1], 64)
			return v
		}
	}
	return 0
}

// deploy is the time from the start of `fescue deploy` to the answer of
// `fescue invoke`, two processes as a user starts them.
func (m *machine) deploy(name, version string) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "fa")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	answer := name + " " + version
	files := map[string]string{
		"fescue.yaml": "name: " + name + "\nversion: " + version + "\nruntime: python\nhandler: answer.handle\ntriggers:\n  - topic: " + name + "/in\n",
		"answer.py":   "def handle(event, context):\n    return '" + answer + "'\n",
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			return 0, err
		}
	}
	begun := time.Now()
	if _, err := m.fescue("deploy", dir); err != nil {
		return 0, err
	}
	got, err := m.fescue("invoke", name)
	took := time.Since(begun)
	if err == nil && strings.TrimSpace(got) != answer {
		err = fmt.Errorf("%s answered %q, not %q", name, got, answer)
	}
	return took, err
}

func (m *machine) fescue(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, m.binary, args...)
	cmd.Env = append(os.Environ(), "FESCUE_STATE="+m.state)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("fescue %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return string(out), nil
}
