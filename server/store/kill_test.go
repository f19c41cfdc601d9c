package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// childVariable names the database that the test binary, run again, writes to.
const childVariable = "FESCUE_STORE_TEST_CHILD"

// child writes to the database until it is killed, and says on stdout what was
// acknowledged.
func child() {
	url := os.Getenv(childVariable)
	if url == "" {
		return
	}
	ctx := context.Background()
	s, err := store.Open(ctx, url)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for n := time.Now().UnixMicro(); ; n++ {
		d := spec.Device{ID: spec.DeviceID(fmt.Sprintf("d%d", n))}
		if _, err := s.PutDevice(ctx, d); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(d.ID)
	}
}

// A server that is killed at any instant has lost nothing that it acknowledged,
// and its database opens again. This shows the process's part; that the kernel's
// part survives a power cut is what synchronous=FULL asks for.
func TestKilledServerLosesNothing(t *testing.T) {
	url := sqliteURL(t)
	var acknowledged []spec.DeviceID
	for round := range 4 {
		acknowledged = append(acknowledged, killed(t, url, 10+40*round)...)
		s, err := store.Open(t.Context(), url)
		if err != nil {
			t.Fatal("after a kill:", err)
		}
		for _, id := range acknowledged {
			if _, err := s.Device(t.Context(), id); err != nil {
				t.Errorf("%s was acknowledged, and then: %v", id, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killed runs a child, kills it after it has acknowledged so many rows, and
// returns all that it acknowledged.
func killed(t *testing.T, url string, after int) (ids []spec.DeviceID) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), binary)
	c.Env = append(os.Environ(), childVariable+"="+url)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, spec.DeviceID(line[:len(line)-1]))
		if len(ids) == after {
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = c.Wait() // killed
	if len(ids) < after {
		t.Fatalf("the child ended by itself after %d rows", len(ids))
	}
	return ids
}
