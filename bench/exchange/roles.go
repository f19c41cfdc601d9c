package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/mqueue"
	socket "fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/spec"
)

// Environment of the other processes.
const (
	roleVariable    = "BENCH_ROLE" // "broker", "other", "floor"
	addressVariable = "BENCH_ADDRESS"
	sizeVariable    = "BENCH_SIZE"
	countVariable   = "BENCH_COUNT"
	profileVariable = "BENCH_PROFILE"
	token           = "bench"
)

// play is what the re-executed program does.
func play(role string) error {
	size, _ := strconv.Atoi(os.Getenv(sizeVariable))
	count, _ := strconv.Atoi(os.Getenv(countVariable))
	switch role {
	case "broker":
		return broker(os.Getenv(addressVariable), os.Getenv(profileVariable))
	case "other":
		conn, err := dial(os.Getenv(addressVariable))
		if err != nil {
			return err
		}
		s, err := greet(conn, token, []string{pongTopic}, []string{pingTopic, flowTopic})
		if err != nil {
			return err
		}
		fmt.Println("ready")
		return s.serveOther(size, count)
	case "floor":
		return floorOther(size, count)
	}
	return errors.New("unknown role " + role)
}

// broker serves until it is told to end.
func broker(address, profile string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	r := exchange.New(exchange.Options{Device: "bench"})
	all := spec.Resources{Publish: []spec.Filter{"bench/#"}, Subscribe: []spec.Filter{"bench/#"}}
	if err := r.Grant("bench", all, exchange.Credential{Token: token, UID: -1}); err != nil {
		return err
	}
	link, err := listen(address)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	go func() { _ = r.Run(ctx) }()
	return link.Run(ctx, func(c exchange.Conn) { _ = r.Serve(ctx, c) })
}

func listen(address string) (exchange.Link, error) {
	kind, path, _ := strings.Cut(address, ":")
	if kind == mqueue.Name {
		return mqueue.Listen(mqueue.Options{Path: path})
	}
	return socket.Listen(socket.Options{Path: path})
}

// dial connects as a C or Python client does: with blocking system calls.
func dial(address string) (io.ReadWriteCloser, error) {
	kind, path, _ := strings.Cut(address, ":")
	if kind == mqueue.Name {
		return mqueue.DialBlocking(context.Background(), path)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	f, err := c.(*net.UnixConn).File()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fd, err := unix.Dup(int(f.Fd()))
	return blocking(fd), err
}

// blocking is a descriptor in blocking mode.
type blocking int

func (b blocking) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(int(b), p)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err == nil && n == 0 {
			err = io.EOF
		}
		return max(n, 0), err
	}
}

func (b blocking) Write(p []byte) (int, error) {
	sent := 0
	for sent < len(p) {
		n, err := unix.Write(int(b), p[sent:])
		if err != nil && !errors.Is(err, unix.EINTR) {
			return sent, err
		}
		sent += max(n, 0)
	}
	return sent, nil
}

func (b blocking) Close() error { return unix.Close(int(b)) }

// child is a process of this program in another role.
type child struct {
	cmd *exec.Cmd
}

// spawn starts a role and waits until it is ready.
func spawn(env []string, files ...*os.File) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = files
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if strings.TrimSpace(line) != "ready" {
		_ = cmd.Process.Kill()
		return nil, fmt.Errorf("%s did not start: %q, %w", env[0], line, err)
	}
	return &child{cmd: cmd}, nil
}

func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	_ = c.cmd.Wait()
}

func env(role, address string, size, count int, profile string) []string {
	return []string{
		roleVariable + "=" + role, addressVariable + "=" + address, sizeVariable + "=" + strconv.Itoa(size),
		countVariable + "=" + strconv.Itoa(count), profileVariable + "=" + profile,
	}
}

// viaBroker starts the three processes of a measurement on one of our links.
func viaBroker(kind string) func(int, options) (runner, error) {
	return func(size int, o options) (runner, error) {
		dir, err := os.MkdirTemp("", "bench")
		if err != nil {
			return nil, err
		}
		address := kind + ":" + filepath.Join(dir, "exchange.sock")
		_, messages := amounts(size, o)
		b, err := spawn(env("broker", address, 0, 0, o.profile))
		if err != nil {
			return nil, err
		}
		other, err := spawn(env("other", address, size, messages, ""))
		if err != nil {
			b.stop()
			return nil, err
		}
		conn, err := dial(address)
		if err != nil {
			return nil, err
		}
		s, err := greet(conn, token, []string{pingTopic, flowTopic}, []string{pongTopic})
		if err != nil {
			return nil, err
		}
		s.release = func() {
			other.stop()
			b.stop()
			_ = os.RemoveAll(dir)
		}
		return s, nil
	}
}
