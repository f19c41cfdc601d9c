package main

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange/wire"
)

// runner is one measurement's set-up.
type runner interface {
	roundTrips(n, size int) ([]time.Duration, error)
	oneWay(n, size int) (time.Duration, error)
	close()
}

// track is one row of the table.
type track struct {
	name  string
	start func(size int, o options) (runner, error)
}

func tracksFor(o options) (tracks []track, missing []string) {
	tracks = []track{{"floor", startFloor}}
	for _, t := range []track{{"unix", viaBroker("unix")}, {"mqueue", viaBroker("mqueue")}, {"mosquitto", startMosquitto}} {
		if o.only != "" && o.only != t.name {
			continue
		}
		if t.name == "mosquitto" && mosquittoPath() == "" {
			missing = append(missing, "mosquitto is not installed and was not measured")
			continue
		}
		tracks = append(tracks, t)
	}
	return tracks, missing
}

// floor is two processes on a socket pair, without anybody between: what the
// kernel takes for the same frames.
type floor struct {
	side
	other *child
}

// endOfTrips is the number of the last message that is sent back.
const endOfTrips = 1 << 63

func startFloor(size int, o options) (runner, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	theirs := os.NewFile(uintptr(fds[1]), "floor")
	defer theirs.Close()
	_, messages := amounts(size, o)
	other, err := spawn(env("floor", "", size, messages, ""), theirs)
	if err != nil {
		return nil, err
	}
	conn := blocking(fds[0])
	f := &floor{side: side{conn: conn, in: wire.NewReader(conn, wire.DefaultBody)}, other: other}
	f.release = other.stop
	return f, nil
}

// roundTrips sends bare payloads and reads them back.
func (f *floor) roundTrips(n, size int) ([]time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	times := make([]time.Duration, n)
	p, back := make([]byte, size), make([]byte, size)
	for i := -n / 10; i < n; i++ {
		stamp(p, uint64(i))
		start := time.Now()
		if _, err := f.conn.Write(p); err != nil {
			return nil, err
		}
		if err := full(f.conn.(blocking), back); err != nil {
			return nil, err
		}
		if i >= 0 {
			times[i] = time.Since(start)
		}
		if err := verify(back, size, uint64(i)); err != nil {
			return nil, err
		}
	}
	// From here on, frames.
	stamp(p, endOfTrips)
	_, err := f.conn.Write(p)
	return times, err
}

// oneWay sends the same frames, in the same batches, as the other links get.
func (f *floor) oneWay(n, size int) (time.Duration, error) {
	p := make([]byte, size)
	var batch []byte
	start := time.Now()
	for i := range n {
		stamp(p, uint64(i))
		batch = wire.AppendMessage(batch, 2, "", p)
		if len(batch) >= 64<<10 || i == n-1 {
			if _, err := f.conn.Write(batch); err != nil {
				return 0, err
			}
			batch = batch[:0]
		}
	}
	back := make([]byte, 16)
	err := full(f.conn.(blocking), back)
	took := time.Since(start)
	if err != nil {
		return 0, err
	}
	return took, verify(back, 16, uint64(n))
}

func full(b blocking, p []byte) error {
	for got := 0; got < len(p); {
		n, err := b.Read(p[got:])
		if err != nil {
			return err
		}
		got += n
	}
	return nil
}

// floorOther is the other process of the floor.
func floorOther(size, messages int) error {
	runtime.LockOSThread()
	fmt.Println("ready")
	conn := blocking(3)
	p := make([]byte, size)
	for {
		if err := full(conn, p); err != nil {
			return nil
		}
		if verify(p, size, endOfTrips) == nil {
			break
		}
		if _, err := conn.Write(p); err != nil {
			return err
		}
	}
	s := &side{conn: conn, in: wire.NewReader(conn, wire.DefaultBody)}
	for count := range uint64(messages) {
		_, m, err := s.next()
		if err != nil {
			return err
		}
		if err := verify(m, size, count); err != nil {
			return err
		}
	}
	answer := make([]byte, 16)
	stamp(answer, uint64(messages))
	_, err := conn.Write(answer)
	return err
}
