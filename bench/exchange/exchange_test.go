package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test's program play the roles that the benchmark's does.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		exitOn(play(ctx, role, os.Args[1:]))
		return
	}
	os.Exit(m.Run())
}

// TestEveryClient: the clients of all languages and links send and verify messages, a moment each.
// It asserts nothing about how fast.
func TestEveryClient(t *testing.T) {
	links := []string{"floor", "unix-floor", "mqueue-floor", "mosquitto", "unix", "mqueue", "nats", "mqtt", "kept64"}
	var out strings.Builder
	o := options{runs: 1, sizes: []int{1000}, links: links, languages: allLanguages, each: time.Millisecond}
	if err := run(t.Context(), o, &out); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out.String())
	for _, link := range links {
		if !strings.Contains(out.String(), link) {
			t.Errorf("%s is neither measured nor said to be missing", link)
		}
	}
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"-links", "unix,floor", "-sizes", "16,65536"})
	if err != nil || strings.Join(o.links, " ") != "floor unix" || len(o.sizes) != 2 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, bad := range [][]string{{"-links", "pigeon"}, {"-languages", "cobol"}, {"-sizes", "8"}} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}
