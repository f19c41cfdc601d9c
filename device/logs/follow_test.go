package logs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/spec"
)

// follow gives the items as they come; it ends with the test.
func follow(t *testing.T, s *Store, o FollowOptions) <-chan Item {
	t.Helper()
	items := make(chan Item)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(items)
		err := s.Follow(ctx, "app", o, func(i Item) error {
			select {
			case items <- i:
			case <-ctx.Done():
			}
			return nil
		})
		if err != nil {
			t.Errorf("follow: %v", err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return items
}

func next(t *testing.T, items <-chan Item) Item {
	t.Helper()
	select {
	case i, ok := <-items:
		if !ok {
			t.Fatal("the follower ended")
		}
		return i
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

func TestFollowTailThenLive(t *testing.T) {
	s := open(t)
	w := s.Writer("app", "1.0.0", 0).Stream(spec.StreamOut)
	fmt.Fprint(w, "1\n2\n3\n")
	items := follow(t, s, FollowOptions{Tail: 2})
	var got []string
	got = append(got, next(t, items).Line.Text, next(t, items).Line.Text)
	fmt.Fprint(w, "4\n5\n")
	got = append(got, next(t, items).Line.Text, next(t, items).Line.Text)
	if d := cmp.Diff([]string{"2", "3", "4", "5"}, got); d != "" {
		t.Error(d)
	}
}

func TestFollowBeforeTheFirstLine(t *testing.T) {
	s := open(t)
	items := follow(t, s, FollowOptions{Tail: -1})
	fmt.Fprint(s.Writer("app", "1.0.0", 0).Stream(spec.StreamOut), "first\n")
	if got := next(t, items).Line.Text; got != "first" {
		t.Errorf("got %q", got)
	}
}

// While lines are written as fast as can be and segments go, a follower that
// joins in the middle has every line once, or is told how many it missed.
func TestFollowHasNoGapAndNoDuplicate(t *testing.T) {
	s := open(t)
	w := s.Writer("app", "1.0.0", MinQuota).Stream(spec.StreamOut)
	const lines = 50_000
	write := func(from, to int) {
		for i := from; i < to; i++ {
			fmt.Fprintf(w, "%d %s\n", i, strings.Repeat("x", 50))
		}
	}
	write(0, 1000)
	items := follow(t, s, FollowOptions{Tail: -1})
	done := make(chan struct{})
	go func() { defer close(done); write(1000, lines) }()
	defer func() { <-done }()
	for want := 0; want < lines; {
		i := next(t, items)
		if i.Missed > 0 {
			want += int(i.Missed)
			continue
		}
		var n int
		if _, err := fmt.Sscan(i.Line.Text, &n); err != nil || n != want {
			t.Fatalf("got line %q, want %d", i.Line.Text, want)
		}
		want++
	}
}

func TestSlowFollowerIsToldWhatItMissed(t *testing.T) {
	s := open(t)
	w := s.Writer("app", "1.0.0", MinQuota).Stream(spec.StreamOut)
	fmt.Fprint(w, "0\n")
	items := follow(t, s, FollowOptions{Tail: -1})
	if got := next(t, items).Line.Text; got != "0" {
		t.Fatal(got)
	}
	const lines = 20_000
	for i := 1; i <= lines; i++ {
		fmt.Fprintf(w, "%d %s\n", i, strings.Repeat("x", 100))
	}
	var missed, seen int64
	for seen+missed < lines {
		if i := next(t, items); i.Missed > 0 {
			missed += i.Missed
		} else {
			seen++
		}
	}
	if missed == 0 || seen == 0 || seen+missed != lines {
		t.Errorf("seen %d, missed %d of %d", seen, missed, lines)
	}
}

func TestFollowEnds(t *testing.T) {
	s := open(t)
	fmt.Fprint(s.Writer("app", "1.0.0", 0).Stream(spec.StreamOut), "line\n")
	stop := errors.New("enough")
	if err := s.Follow(t.Context(), "app", FollowOptions{Tail: 1}, func(Item) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	items := follow(t, s, FollowOptions{Tail: 1})
	next(t, items)
	if err := s.Delete("app"); err != nil {
		t.Fatal(err)
	}
	if i, more := <-items; more {
		t.Errorf("after the log was deleted came %+v", i)
	}
}
