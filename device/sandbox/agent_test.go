package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// agentName, as first argument, lets the test binary be an agent: it starts a
// script in the state given and waits to be killed.
const agentName = "fescue-test-agent"

// agent runs: STATE MODE SCRIPT.
func agent(args []string) int {
	s, err := New(Config{State: args[0]})
	if err != nil {
		fmt.Println("failed", err)
		return 1
	}
	o := shell(args[2])
	o.Mode = modeNamed(args[1])
	o.Limits.Memory, o.Limits.Processes = 64<<20, 64
	if _, err := s.Start(context.Background(), o); err != nil {
		fmt.Println("failed", err)
		return 1
	}
	fmt.Println("started")
	time.Sleep(time.Hour) // until the test kills it
	return 0
}

// startAgent starts an agent whose program has printed "ready" into a file.
func startAgent(t *testing.T, state, mode, script string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, agentName, state, mode, script)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "started" {
		t.Fatalf("the agent: %q, %v", line, err)
	}
	return cmd
}
