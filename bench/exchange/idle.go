package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
)

// idleLinks are measured by -idle; each with clients in Go that have subscribed to a topic and
// said nothing since.
var idleLinks = []string{"unix", "mqueue", "tcp", "nats", "mqtt"}

// measureIdle prints what the broker holds in memory for a client that is silent.
func measureIdle(ctx context.Context, o options, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // of no use to anybody
	for _, link := range idleLinks {
		each, err := idleClient(ctx, o, dir, link)
		if err != nil {
			return fmt.Errorf("%s: %w", link, err)
		}
		fmt.Fprintf(w, "%-7s %4d silent clients, %6.1f KiB of the broker's memory each\n", link, o.idle, each/1024)
	}
	return nil
}

func idleClient(ctx context.Context, o options, dir, link string) (bytes float64, err error) {
	b, env, err := startBroker(dir, link)(ctx, o)
	if err != nil {
		return 0, err
	}
	defer b.stop()
	before, err := b.ask("rest", 0)
	if err != nil {
		return 0, err
	}
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	kind := map[string]string{"nats": "nats", "mqtt": "mqtt"}[link]
	if kind == "" {
		kind = "go"
	}
	crowd, err := start(ctx, exec.Command(exe, kind, strconv.Itoa(o.idle)), append(env, roleVariable+"=idle"), nil)
	if err != nil {
		return 0, err
	}
	defer crowd.stop()
	after, err := b.ask("rest", 0)
	if err != nil {
		return 0, err
	}
	return float64(after[0]-before[0]) / float64(o.idle), nil
}

// beIdle is the role of the silent clients.
func beIdle(ctx context.Context, kind string, count int) error {
	links := make([]link, count)
	for i := range links {
		var err error
		if links[i], err = dial(ctx, kind, fmt.Sprintf("bench/%d/out", i), fmt.Sprintf("bench/%d/in", i)); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin) // until the benchmark ends
	return err
}

// rest answers each line with the memory that the process needs once it has thrown away
// what it can.
func rest(in io.Reader, out io.Writer) {
	for {
		var task string
		var n int
		if _, err := fmt.Fscan(in, &task, &n); err != nil {
			return
		}
		debug.FreeOSMemory()
		fmt.Fprintln(out, resident())
	}
}

// resident is the process's own memory, in bytes, without the pages of its program.
func resident() int64 {
	text, _ := os.ReadFile("/proc/self/smaps_rollup")
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) > 1 && words[0] == "Pss_Anon:" {
			kib, _ := strconv.ParseInt(words[1], 10, 64)
			return 1024 * kib
		}
	}
	return 0
}
