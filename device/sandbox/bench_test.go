package sandbox

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/spec"
)

// BenchmarkStart measures from Start to the end of a program that does nothing,
// per level; exec is the floor.
func BenchmarkStart(b *testing.B) {
	s := open(b)
	s.Facts()
	b.Run("exec", func(b *testing.B) {
		for b.Loop() {
			if err := exec.Command("/bin/true").Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, o := range map[string]Options{
		"root":                 {Mode: spec.ModeRoot},
		"user":                 {Mode: spec.ModeUser},
		"sandbox,network=host": {Network: NetworkHost},
		"sandbox":              {},
	} {
		o.Application, o.Argv = "app", []string{"/bin/true"}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if exit := wait(b, start(b, s, o)); !exit.Success() {
					b.Fatal(exit)
				}
			}
		})
	}
}

// BenchmarkHelper reports what a waiting helper holds of memory for itself.
func BenchmarkHelper(b *testing.B) {
	s := open(b)
	p := start(b, s, shell("exec sleep 1000"))
	defer p.Terminate(0)
	time.Sleep(100 * time.Millisecond) // let it come to rest
	for b.Loop() {
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", p.helper.process.Pid))
	if err != nil {
		b.Skip(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib float64
		name, rest, _ := strings.Cut(lines.Text(), ":")
		if n, _ := fmt.Sscanf(rest, "%f kB", &kib); n != 1 {
			continue
		}
		switch name {
		case "Rss", "Pss", "Private_Dirty", "Private_Clean", "Anonymous":
			b.ReportMetric(kib, name+"-KiB")
		}
	}
}
