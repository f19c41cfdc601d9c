package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

func mosquittoPath() string {
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// startMosquitto starts mosquitto with a listener on TCP, for libmosquitto, or on a Unix
// socket, which is quicker and takes no libmosquitto.
func startMosquitto(dir, language string) func(context.Context, options) (*process, []string, error) {
	return func(ctx context.Context, _ options) (*process, []string, error) {
		state, err := os.MkdirTemp(dir, "")
		if err != nil {
			return nil, nil, err
		}
		socket, port := filepath.Join(state, "m.sock"), 0
		if port, err = freePort(); err != nil {
			return nil, nil, err
		}
		text := fmt.Sprintf("listener %d 127.0.0.1\nlistener 0 %s\nallow_anonymous true\nset_tcp_nodelay true\n"+
			"max_queued_messages 0\nmax_inflight_messages 0\nlog_type error\n", port, socket)
		if os.Geteuid() == 0 {
			text += "user root\n" // it would give up being root, and with it the directory
		}
		conf := filepath.Join(state, "m.conf")
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			return nil, nil, err
		}
		// It does not say when it listens; the shell's word is for start, and the socket tells.
		cmd := exec.Command("/bin/sh", "-c", `echo ready; exec "$@"`, "sh", mosquittoPath(), "-c", conf)
		m, err := start(ctx, cmd, nil, nil)
		if err != nil {
			return nil, nil, err
		}
		m.onStop = func() { _ = os.RemoveAll(state) }
		address := socket
		if language == "c" {
			address = fmt.Sprintf("127.0.0.1:%d", port)
		}
		return m, []string{mqttVariable + "=" + address}, listening(ctx, socket)
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.Join(errors.New("no TCP address"), l.Close())
	}
	return address.Port, l.Close()
}
