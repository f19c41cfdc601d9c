package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/spec"
)

// victim is the variable that makes the test's program the process that is killed.
const victim = "FESCUE_ARTIFACT_VICTIM"

// child stores archive after archive in a store and acknowledges each on stdout.
func child() {
	dir := os.Getenv(victim)
	if dir == "" {
		return
	}
	s, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		digest, _, _, err := s.Put(context.Background(), payload(i), DefaultLimits())
		fmt.Println(digest, err)
	}
}

// payload is another content for each number, of up to 300 KB.
func payload(i int) io.Reader {
	r := rand.New(rand.NewPCG(uint64(i), 7))
	return io.LimitReader(strings.NewReader(strings.Repeat(fmt.Sprintf("%d %d ", i, r.Uint64()), 20_000)), 1+r.Int64N(300_000))
}

// A process that is killed in Put has lost nothing that it acknowledged; what it
// had not finished is under no name, and gone after the next Open.
func TestKilledInPut(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	acknowledged := map[spec.Digest]bool{}
	for range 8 {
		for _, line := range killSoon(t, self, dir) {
			digest, rest, _ := strings.Cut(line, " ")
			if rest != "<nil>" {
				t.Fatalf("Put said %q", line)
			}
			acknowledged[spec.Digest(digest)] = true
		}
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if left, err := filepath.Glob(filepath.Join(dir, TempPrefix+"*")); err != nil || len(left) > 0 {
			t.Fatalf("left behind: %v, %v", left, err)
		}
		wantWhole(t, s, acknowledged)
	}
	if len(acknowledged) == 0 {
		t.Fatal("nothing was ever acknowledged: the test tests nothing")
	}
}

// killSoon starts the child, kills it a little after its first word, and returns
// what it had acknowledged.
func killSoon(t *testing.T, self, dir string) []string {
	t.Helper()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), victim+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1)
	_, err = io.ReadFull(out, first)
	time.Sleep(rand.N(20 * time.Millisecond))
	rest, reading := killAndRead(cmd, out)
	if err := errors.Join(err, reading); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(first)+rest, "\n")
	return lines[:len(lines)-1] // the last may be cut
}

func killAndRead(cmd *exec.Cmd, out io.Reader) (string, error) {
	err := cmd.Process.Kill()
	text, reading := io.ReadAll(out)
	_ = cmd.Wait() // it was killed
	return string(text), errors.Join(err, reading)
}

// wantWhole: everything in the store has the content that its name says, and
// everything that was acknowledged is there.
func wantWhole(t *testing.T, s *Store, acknowledged map[spec.Digest]bool) {
	t.Helper()
	all, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	there := map[spec.Digest]bool{}
	for _, d := range all {
		there[d] = true
		f, err := s.Get(d)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := DigestOf(f)
		if err := errors.Join(err, f.Close()); err != nil || got != d {
			t.Errorf("%s has the content of %s, %v", d, got, err)
		}
	}
	for d := range acknowledged {
		if !there[d] {
			t.Errorf("%s was acknowledged and is not there", d)
		}
	}
}
