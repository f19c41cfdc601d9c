package exchangetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/wire"
)

// The environment of a child process.
const (
	childAddress = "EXCHANGETEST_ADDRESS"
	childBytes   = "EXCHANGETEST_BYTES"
)

// Main runs a link's tests, or, in the processes that they start, plays the
// client that is killed.
func Main(m *testing.M, f Fixture) {
	if address := os.Getenv(childAddress); address != "" {
		if err := child(f, address); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// script is what the child sends, and a part of which it sends: any point in
// it is a point at which it can be killed.
func script() []byte {
	b := Hello(AliceToken)
	b = wire.AppendPlain(b, wire.Register, 1, "a/b")
	b = wire.AppendSubscribe(b, 1, wire.Block, 0, 10, "b/#")
	b = wire.AppendPublish(b, 1, []byte("whole"))
	b = wire.AppendRequest(b, 1, 60_000, "b/ask", []byte("?"))
	return wire.AppendPublish(b, 1, pattern(200_000, 1))
}

// child sends the first bytes of the script and waits for its end.
func child(f Fixture, address string) error {
	n, err := strconv.Atoi(os.Getenv(childBytes))
	if err != nil {
		return err
	}
	conn, err := f.Dial(context.Background(), address)
	if err != nil {
		return err
	}
	if _, err := conn.Write(script()[:n]); err != nil {
		return err
	}
	fmt.Println("sent")
	_, err = io.Copy(io.Discard, conn)
	return err
}

// testKilled: clients that are killed at any byte of what they say. Their
// sessions end at once, whole messages are delivered, parts never, and open
// calls are answered.
func testKilled(t *testing.T, f Fixture) {
	if f.InProcess {
		t.Skip("the link does not reach other processes")
	}
	b := Start(t, f, exchange.Options{})
	sub := b.Client(BobToken)
	sub.Subscribe(1, "a/b", wire.Block, 0)
	sub.Send(wire.AppendSubscribe(nil, 2, 0, wire.Answers, 0, "b/ask"))
	sub.Expect(wire.OK, 2)
	all := script()
	large := len(all) - 200_000 - wire.HeaderSize // where the last frame begins
	asked := large - len(wire.AppendRequest(nil, 1, 0, "b/ask", []byte("?")))
	for _, n := range []int{0, 1, 7, 8, 20, asked - 1, asked, large - 1, large, large + 3, large + 8, large + 1000, large + 70_000, len(all) - 1} {
		cmd := spawnChild(t, b.Link.Address(), n)
		if n >= asked {
			sub.ExpectMessage(1, "", "whole")
		}
		if n >= large {
			sub.expectCall()
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		Until(t, "the session has ended", func() bool { return len(b.Of(Alice).Sessions) == 0 })
	}
	sub.ExpectNothing()
}

func (c *Client) expectCall() {
	c.t.Helper()
	if f, err := c.Next(); err != nil || f.Type != wire.Call {
		c.t.Fatalf("%v %v instead of CALL", f.Type, err)
	}
}

func spawnChild(t *testing.T, address string, n int) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childAddress+"="+address, childBytes+"="+strconv.Itoa(n))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "sent" {
		t.Fatalf("the child said %q, %v", line, err)
	}
	return cmd
}
