package micro

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange/packet"
	"fescue.dev/fescue/fail"
)

// reopenPause is how long a serial device that is gone is left alone.
const reopenPause = 500 * time.Millisecond

// line is where boards are: serial:/dev/ttyUSB0, serial:/dev/ttyUSB0@115200 (a name
// below /dev/serial/by-id survives replugging), unix:PATH, tcp:ADDRESS, udp:ADDRESS;
// the last three listen.
type line struct {
	kind, address string
	baud          int
}

func parseLine(s string) (line, error) {
	const op = "read microcontrollers' line"
	kind, address, _ := strings.Cut(s, ":")
	l := line{kind: kind, address: address, baud: 115200}
	if address == "" || kind != "serial" && kind != "unix" && kind != "tcp" && kind != "udp" {
		return l, fail.New(fail.Invalid, op, "%q is none", s).
			WithHint("Write serial:/dev/ttyUSB0, serial:/dev/ttyACM0@57600, unix:PATH, tcp:ADDRESS:PORT or udp:ADDRESS:PORT.")
	}
	if path, rate, ok := strings.Cut(address, "@"); ok && kind == "serial" {
		n, err := strconv.Atoi(rate)
		if _, known := rates[n]; err != nil || !known {
			return l, fail.New(fail.Invalid, op, "%q is no baud rate", rate).On(s)
		}
		l.address, l.baud = path, n
	}
	return l, nil
}

// rates are the serial lines' that the kernel names.
var rates = map[int]uint32{
	9600: unix.B9600, 19200: unix.B19200, 38400: unix.B38400, 57600: unix.B57600, 115200: unix.B115200,
	230400: unix.B230400, 460800: unix.B460800, 500000: unix.B500000, 921600: unix.B921600, 1000000: unix.B1000000,
}

// server is who uses a line.
type server struct {
	serve   func(context.Context, packet.Line)
	console func(text string) // what boards print between packets; nil: it is dropped
	trouble func(error)       // a serial device cannot be opened: told once, then again when it was there
}

// run opens the line, again when it was lost, and gives each packet line on it to
// serve, until ctx ends.
func (l line) run(ctx context.Context, s server) error {
	switch l.kind {
	case "serial":
		return l.runSerial(ctx, s)
	case "udp":
		return l.runUDP(ctx, s)
	}
	return l.listen(ctx, s)
}

// runSerial opens the device again when it was unplugged: the path names the same
// board as before if it is one below /dev/serial/by-id.
func (l line) runSerial(ctx context.Context, s server) error {
	told := false
	for ctx.Err() == nil {
		f, err := openSerial(l.address, rates[l.baud])
		if err == nil {
			s.serve(ctx, packet.Stream(f, s.console))
		} else if !told {
			s.trouble(err)
		}
		told = err != nil
		select {
		case <-ctx.Done():
		case <-time.After(reopenPause):
		}
	}
	return nil
}

// openSerial opens a serial line: raw, eight bits, for us alone.
func openSerial(path string, rate uint32) (io.ReadWriteCloser, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err == nil {
		t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
		t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | rate
		t.Ispeed, t.Ospeed = rate, rate
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
		err = unix.IoctlSetTermios(fd, unix.TCSETS, t)
	}
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), path), nil
}

func (l line) listen(ctx context.Context, s server) error {
	const op = "listen for microcontrollers"
	if l.kind == "unix" {
		if err := os.Remove(l.address); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fail.Wrap(err, fail.Conflict, op, l.address)
		}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, l.kind, l.address)
	if err != nil {
		return fail.Wrap(err, fail.Conflict, op, l.address)
	}
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	var lines sync.WaitGroup
	defer lines.Wait()
	for {
		c, err := listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fail.Wrap(err, fail.Internal, op, l.address)
		}
		lines.Go(func() { s.serve(ctx, packet.Stream(c, s.console)) })
	}
}

// runUDP gives each peer's datagrams a line of their own.
func (l line) runUDP(ctx context.Context, s server) error {
	socket, err := new(net.ListenConfig).ListenPacket(ctx, "udp", l.address)
	if err != nil {
		return fail.Wrap(err, fail.Conflict, "listen for microcontrollers", l.address)
	}
	stop := context.AfterFunc(ctx, func() { _ = socket.Close() })
	defer stop()
	return packet.Datagrams(ctx, socket, s.serve)
}
