package sandbox

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"fescue.dev/fescue/spec"
)

// A door of UDP has flows: one for each of the program's sockets that sends through it, with a
// socket outside, whose answers go back. Datagrams are lost where there are too many, as they
// are everywhere.
const (
	flowIdle    = 3 * time.Minute // without a datagram, then it ends (RFC 4787 asks for two)
	flowWaiting = 64              // datagrams that wait while a name is looked up
	maxDatagram = 64 << 10
)

// flows are those of one door.
type flows struct {
	doors *doors
	inner *net.UDPConn
	to    spec.Endpoint

	mu  sync.Mutex
	all map[netip.AddrPort]chan []byte // by the program's socket
}

func (d *doors) serveDatagrams(inner *net.UDPConn, to spec.Endpoint) {
	f := &flows{doors: d, inner: inner, to: to, all: map[netip.AddrPort]chan []byte{}}
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := inner.ReadFromUDPAddrPort(buffer)
		if err != nil {
			if d.ctx.Err() != nil {
				return // it was closed
			}
			continue // an answer did not reach a socket that is gone
		}
		f.send(from, append([]byte(nil), buffer[:n]...))
	}
}

// send hands a datagram to its flow, which it begins if need be.
func (f *flows) send(from netip.AddrPort, packet []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, known := f.all[from]
	if !known {
		select {
		case f.doors.slots <- struct{}{}:
		default:
			f.doors.log.Warn("a datagram was dropped: the program has too many connections", "to", f.to, "most", maxConnections)
			return
		}
		out = make(chan []byte, flowWaiting)
		f.all[from] = out
		f.doors.wait.Go(func() {
			defer func() { <-f.doors.slots }()
			f.pass(from, out)
		})
	}
	select {
	case out <- packet:
	default: // it is slower than the program
	}
}

// pass sends what comes from one socket, and hands back the answers, until nothing comes for a while.
func (f *flows) pass(from netip.AddrPort, out <-chan []byte) {
	defer f.forget(from)
	outer, err := f.doors.dial(f.to)
	if err != nil {
		return
	}
	answered := make(chan struct{}, 1)
	var answers sync.WaitGroup
	answers.Go(func() { f.answer(outer, from, answered) })
	defer answers.Wait()
	defer outer.Close()
	for idle := time.NewTimer(flowIdle); ; idle.Reset(flowIdle) {
		select {
		case packet := <-out:
			_, _ = outer.Write(packet) // nobody may be there, now
		case <-answered:
		case <-idle.C:
			return
		case <-f.doors.ctx.Done():
			return
		}
	}
}

// answer hands back what comes from outside, until that is closed.
func (f *flows) answer(outer net.Conn, to netip.AddrPort, answered chan<- struct{}) {
	buffer := make([]byte, maxDatagram)
	for {
		n, err := outer.Read(buffer)
		if err == nil {
			_, _ = f.inner.WriteToUDPAddrPort(buffer[:n], to) // the program's socket may be gone
			select {
			case answered <- struct{}{}:
			default:
			}
			continue
		}
		if !errors.Is(err, syscall.ECONNREFUSED) { // nobody is there, now
			return
		}
	}
}

func (f *flows) forget(from netip.AddrPort) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, from)
}
