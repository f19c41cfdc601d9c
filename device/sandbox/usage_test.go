package sandbox

import (
	"testing"
	"time"
)

// What programs take is theirs: memory while they run, processor time also afterwards, that of
// children of children included.
func TestUsage(t *testing.T) {
	s := open(t)
	if u := s.Usage(); len(u) != 0 {
		t.Errorf("before anything runs: %v", u)
	}
	// A child burns half a second, however long that takes, and stays; the shell holds 20 MB.
	p := start(t, s, shell(`sh -c 'i=0; while [ $i -lt 4000000 ]; do i=$((i+1)); done; exec sleep 100' & x=$(head -c 20000000 /dev/zero | tr '\0' x); sleep 100; echo $x`))
	deadline := time.Now().Add(patience)
	var u Usage
	for u = s.Usage()["app"]; u.CPU < 500*time.Millisecond || u.Memory < 20_000_000; u = s.Usage()["app"] {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", u)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if u.Processes < 3 || u.Memory > 1<<30 {
		t.Errorf("%+v", u)
	}
	p.Terminate(0)
	after := s.Usage()["app"]
	if after.CPU < 500*time.Millisecond || after.Memory != 0 || after.Processes != 0 {
		t.Errorf("after its end: %+v, while it ran: %+v", after, u)
	}
}
