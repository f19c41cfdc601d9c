package kept

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/smalldisk"
)

// fill takes all room of a disk, and gives it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	hog := filepath.Join(dir, "hog")
	_ = os.WriteFile(hog, make([]byte, 4<<20), 0o600) // as much as there is
	return func() {
		t.Helper()
		if err := os.Remove(hog); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFullDisk: what was acknowledged stays, what the disk does not take is told
// with advice and never appears, and with room it goes on.
func TestFullDisk(t *testing.T) {
	smalldisk.Run(t, "1m", func(t *testing.T, disk string) {
		dir := filepath.Join(disk, "log")
		l := open(t, dir, Options{})
		var stored []string
		send := func(n int) error {
			err := add(t, l, "a", n, 1, 3000)
			if err == nil {
				stored = append(stored, fmt.Sprintf("%03000d", n))
			}
			return err
		}
		for n := range 20 {
			if err := send(n); err != nil {
				t.Fatal(err)
			}
		}
		c := consume(t, place(t, l, "p", PlaceOptions{Start: StartOldest}), 400)
		free := fill(t, disk)
		refused, next := 0, 20
		for ; refused < 50; next++ { // the last page of the file may still have room
			if err := send(next); err != nil {
				refused++
				if !fail.Is(err, fail.Exhausted) || fail.HintOf(err) == "" {
					t.Fatalf("a full disk: %v, hint %q", err, fail.HintOf(err))
				}
			}
		}
		if _, err := l.Place("other", PlaceOptions{Filter: "#", Match: everything}); !fail.Is(err, fail.Exhausted) || fail.HintOf(err) == "" {
			t.Errorf("a new place on a full disk: %v", err)
		}
		for range stored { // consuming goes on
			d := c.next(t)
			c.Done(d.Sequence)
		}
		free()
		for range 20 {
			if err := send(next); err != nil {
				t.Fatalf("with room again: %v", err)
			}
			next++
		}
		for range 20 {
			c.Done(c.next(t).Sequence)
		}
		c.nothing(t)
		if got := past(t, l, Query{}); fmt.Sprint(got) != fmt.Sprint(stored) {
			t.Errorf("%d messages are kept, %d were acknowledged", len(got), len(stored))
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, dir, Options{})
		if got := past(t, l, Query{}); fmt.Sprint(got) != fmt.Sprint(stored) {
			t.Errorf("after a restart %d messages are kept, %d were acknowledged", len(got), len(stored))
		}
		consume(t, place(t, l, "p", PlaceOptions{}), 1).nothing(t)
	})
}

// TestFullDiskBetweenFiles: a disk without room for the next file of a log is told
// too, and with room that file is begun.
func TestFullDiskBetweenFiles(t *testing.T) {
	smalldisk.Run(t, "1m,nr_inodes=9", func(t *testing.T, disk string) {
		l := open(t, filepath.Join(disk, "log"), Options{MaxBytes: 512 << 10}) // files of 64 KiB
		var inodes []string
		for n := 0; ; n++ {
			name := filepath.Join(disk, fmt.Sprint("hog", n))
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				break
			}
			inodes = append(inodes, name)
		}
		if len(inodes) == 0 {
			t.Fatal("the disk has no room for a file")
		}
		n, err := 0, error(nil)
		for ; err == nil && n < 100; n++ {
			err = add(t, l, "a", n, 1, 3000)
		}
		if !fail.Is(err, fail.Exhausted) || fail.HintOf(err) == "" {
			t.Fatalf("no room for a file: %v, hint %q", err, fail.HintOf(err))
		}
		for _, name := range inodes {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		if err := add(t, l, "a", n, 30, 3000); err != nil {
			t.Errorf("with room again: %v", err)
		}
		if got := past(t, l, Query{}); len(got) != n-1+30 {
			t.Errorf("%d messages, want %d", len(got), n-1+30)
		}
	})
}
