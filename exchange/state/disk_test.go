package state

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/smalldisk"
)

// TestFullDisk: values that were acknowledged stay, those that the disk does not
// take are told with advice and change nothing, and with room it goes on.
func TestFullDisk(t *testing.T) {
	smalldisk.Run(t, "1m", func(t *testing.T, disk string) {
		path := filepath.Join(disk, "app.log")
		s := open(t, path, 64<<20)
		value := func(n int) []byte { return fmt.Appendf(nil, "%05000d", n) }
		want := map[string]int{}
		n := 0
		send := func(key string) error {
			n++
			_, err := put(s, key, value(n), 0, Condition{})
			if err == nil {
				want[key] = n
			}
			return err
		}
		for k := range 10 {
			if err := send(fmt.Sprint("k", k)); err != nil {
				t.Fatal(err)
			}
		}
		hog := filepath.Join(disk, "hog")
		_ = os.WriteFile(hog, make([]byte, 2<<20), 0o600) // as much as there is
		for refused := 0; refused < 20; {
			if err := send(fmt.Sprint("k", n%15)); err != nil {
				refused++
				if !fail.Is(err, fail.Exhausted) || fail.HintOf(err) == "" {
					t.Fatalf("a full disk: %v, hint %q", err, fail.HintOf(err))
				}
			}
		}
		if err := os.Remove(hog); err != nil {
			t.Fatal(err)
		}
		for range 300 { // enough for the file to be rewritten
			if err := send(fmt.Sprint("k", n%15)); err != nil {
				t.Fatalf("with room again: %v", err)
			}
		}
		check := func(when string) {
			t.Helper()
			for key, n := range want {
				if e, err := s.Get(key); err != nil || string(e.Value) != string(value(n)) {
					t.Errorf("%s: %s is %.20q…, %v; want %d", when, key, e.Value, err, n)
				}
			}
		}
		check("now")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, path, 64<<20)
		check("after a restart")
		_ = s.Close() // only read
	})
}
