package packet

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// Bounds of a datagram socket: anybody may send to it.
const (
	mostPeers  = 1024
	peerIdle   = 2 * time.Minute // a peer that is silent for so long is forgotten
	peerQueue  = 64              // datagrams that wait for a peer's session
	mostPacket = 2048
)

// Datagrams gives the datagrams of each peer of a socket to serve as a Line, until
// the socket is closed.
func Datagrams(ctx context.Context, socket net.PacketConn, serve func(context.Context, Line)) error {
	d := &datagrams{socket: socket, peers: map[string]*peer{}}
	var lines sync.WaitGroup
	defer lines.Wait()
	defer d.closeAll()
	for buffer := make([]byte, mostPacket); ; {
		n, from, err := socket.ReadFrom(buffer)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		p, isNew := d.peer(from)
		if p == nil {
			continue
		}
		if isNew {
			lines.Go(func() { serve(ctx, p); d.forget(p) })
		}
		select {
		case p.in <- append([]byte(nil), buffer[:n]...):
		default: // it is sent again
		}
	}
}

type datagrams struct {
	socket net.PacketConn
	mu     sync.Mutex
	peers  map[string]*peer
}

func (d *datagrams) peer(from net.Addr) (p *peer, isNew bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.peers[from.String()]; p != nil {
		return p, false
	}
	if len(d.peers) >= mostPeers {
		return nil, false
	}
	p = &peer{socket: d.socket, address: from, in: make(chan []byte, peerQueue), done: make(chan struct{})}
	d.peers[from.String()] = p
	return p, true
}

func (d *datagrams) forget(p *peer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.peers, p.address.String())
}

func (d *datagrams) closeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.peers {
		_ = p.Close()
	}
}

// peer is the Line of one address.
type peer struct {
	socket  net.PacketConn
	address net.Addr
	in      chan []byte
	done    chan struct{}
	once    sync.Once
}

// ReadPacket implements Line.
func (p *peer) ReadPacket() ([]byte, error) {
	idle := time.NewTimer(peerIdle)
	defer idle.Stop()
	select {
	case b := <-p.in:
		return b, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-idle.C:
		return nil, io.EOF
	}
}

// WritePacket implements Line.
func (p *peer) WritePacket(b []byte) error {
	_, err := p.socket.WriteTo(b, p.address)
	return err
}

// Close implements Line.
func (p *peer) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}
