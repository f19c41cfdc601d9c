package mqueue_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/mqueue"
	socket "fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

const (
	brokerDir = "FESCUE_TEST_BROKER_DIR"
	hogQueues = "FESCUE_TEST_HOG_QUEUES"

	users     = 200
	firstUser = 61_000
)

// serveUsers is a broker for as many applications as there are users, each with one's id.
func serveUsers(dir string) error {
	r := exchange.New(exchange.Options{Device: "many"})
	l, err := mqueue.Listen(mqueue.Options{Path: filepath.Join(dir, "q.sock"), Mode: 0o666})
	if err != nil {
		return err
	}
	topics := spec.Resources{Publish: []spec.Filter{"t/+"}, Subscribe: []spec.Filter{"t/+"}}
	for n := range users {
		name := spec.Name(fmt.Sprint("app", n))
		if err := r.Grant(name, topics, exchange.Credential{Token: tokenOf(n), UID: firstUser + n}); err != nil {
			return err
		}
	}
	ctx := context.Background()
	go func() { _ = r.Run(ctx) }()
	return l.Run(ctx, func(c exchange.Conn) { _ = r.Serve(ctx, c) })
}

func tokenOf(n int) string { return fmt.Sprint("token-", n) }

// dialAs connects from a thread whose effective user is another: it is whom the
// kernel tells the broker.
func dialAs(user int, path string) (conn *mqueue.Conn, err error) {
	as(user, func() { conn, err = mqueue.Dial(context.Background(), path) })
	return conn, err
}

func as(user int, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	me := os.Geteuid()
	if err := setUser(user); err != nil {
		panic(err)
	}
	defer func() {
		if err := setUser(me); err != nil {
			panic(err)
		}
	}()
	f()
}

func setUser(user int) error {
	const unchanged = ^uintptr(0)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, unchanged, uintptr(user), unchanged); errno != 0 {
		return errno
	}
	return nil
}

// public makes a directory that other users can pass through.
func public(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fq")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: applications get user ids of their own from it alone")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := setUser(firstUser); err != nil {
		t.Skip("needs root that may become other users: ", err)
	}
	if err := setUser(0); err != nil {
		t.Fatal(err)
	}
}

// TestManyUsers: 200 applications, each with a user id of its own, are connected at
// once and all exchange messages, twice: the first broker is killed, and nothing of
// its queues is left that could stand in the way of the second's.
func TestManyUsers(t *testing.T) {
	needRoot(t)
	dir := public(t)
	for _, round := range []string{"first", "second"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), brokerDir+"="+dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		clients, smallest := connectUsers(t, filepath.Join(dir, "q.sock"))
		for n, c := range clients {
			c.Publish(1, fmt.Sprint(round, n))
		}
		for n, c := range clients {
			c.ExpectMessage(1, "", fmt.Sprint(round, (n+users-1)%users))
		}
		t.Logf("%s: %d users connected, messages of at least %d bytes", round, len(clients), smallest)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		for _, c := range clients {
			c.ExpectEnd()
			c.Close()
		}
	}
}

func connectUsers(t *testing.T, path string) (clients []*exchangetest.Client, smallest int) {
	t.Helper()
	for n := range users {
		var conn *mqueue.Conn
		exchangetest.Until(t, "the broker is there", func() (there bool) {
			var err error
			conn, err = dialAs(firstUser+n, path)
			if err != nil && n > 0 {
				t.Fatalf("user %d: %v", n, err)
			}
			return err == nil
		})
		if smallest == 0 || conn.Chunk() < smallest {
			smallest = conn.Chunk()
		}
		c := exchangetest.NewClient(t, conn)
		c.Hello(tokenOf(n))
		c.Subscribe(1, fmt.Sprint("t/", n), wire.Block, 0)
		c.Register(1, fmt.Sprint("t/", (n+1)%users))
		clients = append(clients, c)
	}
	return clients, smallest
}

// hog is another program of a user's, with all message queues that it may have.
func hog() {
	bytes, err := mqueue.TakeAll()
	fmt.Println(bytes, err)
	select {}
}

func startHog(t *testing.T, user int) *exec.Cmd {
	t.Helper()
	program := os.Args[0]
	if os.Getuid() != user {
		program = filepath.Join(public(t), "hog") // go test's own directory is closed to others
		text, err := os.ReadFile(os.Args[0])
		if err == nil {
			err = os.WriteFile(program, text, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), hogQueues+"=1")
	if os.Getuid() != user {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(user)}}
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal("the other program: ", err)
	}
	t.Logf("another program of user %d has taken: %s", user, line)
	return cmd
}

// TestHog: another program of the application's user has all message queues. The
// client is told, goes on over the socket, its application is told why, and once the
// other program is gone there are queues again.
func TestHog(t *testing.T) {
	user := os.Getuid()
	if user == 0 { // as root the tests of others would have none meanwhile
		user = firstUser + users
		needRoot(t)
	}
	other := startHog(t, user)
	path := filepath.Join(public(t), "q.sock")
	f := fixture()
	f.Listen = func(string) (exchange.Link, error) { return mqueue.Listen(mqueue.Options{Path: path, Mode: 0o666}) }
	b := exchangetest.Start(t, f, exchange.Options{})
	joined := make(chan error, 1)
	err := b.Grant("victim", spec.Resources{Publish: []spec.Filter{"t/x"}, Subscribe: []spec.Filter{"t/x"}},
		exchange.Credential{Token: "victim", UID: user, OnJoin: func(err error) { joined <- err }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dialAs(user, path); !fail.Is(err, fail.Exhausted) || !strings.Contains(err.Error(), fmt.Sprint("user ", user)) {
		t.Fatalf("without queues: %v", err)
	}
	conn, err := connectAs(user, path)
	if err != nil {
		t.Fatal(err)
	}
	c := exchangetest.NewClient(t, conn)
	c.ExpectError(0, wire.Limit)
	c.Hello("victim")
	if err := <-joined; err == nil || !strings.HasPrefix(err.Error(), "connect: over unix instead of mqueue: ") || fail.HintOf(err) == "" {
		t.Errorf("the application is told %v", err)
	}
	c.Subscribe(1, "t/x", wire.Block, 0)
	c.Register(1, "t/x")
	c.Publish(1, "without queues")
	c.ExpectMessage(1, "", "without queues")
	if link := b.Of("victim").Sessions[0].Link; link != "unix" {
		t.Errorf("the link is %s", link)
	}
	_ = other.Process.Kill()
	_ = other.Wait()
	var queues *mqueue.Conn
	exchangetest.Until(t, "there are queues again", func() bool {
		queues, err = dialAs(user, path)
		return err == nil
	})
	exchangetest.NewClient(t, queues).Hello("victim")
	if err := <-joined; err != nil {
		t.Errorf("the application is told %v", err)
	}
}

// connectAs connects to the rendezvous socket alone.
func connectAs(user int, path string) (conn *socket.Conn, err error) {
	as(user, func() { conn, err = socket.Dial(context.Background(), path) })
	return conn, err
}
