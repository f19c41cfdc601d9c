package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Messages for a function that handles them at least once survive kill -9, whenever it comes: all
// that were published before it are handled after it, in the order that was asked for.
func TestAtLeastOnceKilled(t *testing.T) {
	m := newMachine(t)
	const code = `
import os
def handle(event, context):
    with open(os.path.join(os.environ["FESCUE_DATA"], "seen"), "a") as f:
        f.write(str(event["n"]) + "\n")
        f.flush()
        os.fsync(f.fileno())
`
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: keeper\nversion: 1.0.0\nruntime: python\nhandler: f.handle\ntriggers:\n  - topic: count/#\n    delivery: at-least-once\n    order: topic\n", "f.py": code,
	}))
	const rounds, each = 3, 30
	for round := range rounds {
		for n := range each {
			m.must("pub", "count/x", fmt.Sprintf(`{"n": %d}`, round*each+n))
		}
		m.kill()
		m.start()
	}
	m.eventually("all are handled", func() error {
		text, err := os.ReadFile(filepath.Join(m.state, "device/apps/keeper/data/seen"))
		if err != nil {
			return err
		}
		next := 0
		for _, word := range strings.Fields(string(text)) {
			var n int
			if _, err := fmt.Sscan(word, &n); err != nil {
				t.Fatal(err)
			}
			if n > next {
				t.Fatalf("%d was handled before %d", n, next)
			}
			if n == next {
				next++
			}
		}
		if next != rounds*each {
			return fmt.Errorf("%d of %d", next, rounds*each)
		}
		return nil
	})
}
