package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// request is one keep-alive connection that sends POST requests and waits for each
// answer, with as little as HTTP/1.1 takes: what is measured is the other side.
type request struct {
	conn  net.Conn
	head  []byte
	body  []byte
	out   []byte
	in    []byte
	who   int
	count uint64
	size  int
}

func openRequest(address, path string, who, size int) (*request, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(2 * patience)); err != nil { // an answer that never comes
		return nil, err
	}
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: ", path, address)
	return &request{conn: conn, head: []byte(head), in: make([]byte, 64<<10), who: who, size: size}, nil
}

func (r *request) close() { _ = r.conn.Close() } // nothing is lost

func (r *request) call() error {
	r.count++
	r.body = event(r.body, r.who, r.count, r.size)
	r.out = append(r.out[:0], r.head...)
	r.out = strconv.AppendInt(r.out, int64(len(r.body)), 10)
	r.out = append(append(r.out, "\r\n\r\n"...), r.body...)
	if _, err := r.conn.Write(r.out); err != nil {
		return err
	}
	got, err := r.answer()
	if err == nil && !bytes.Equal(got, r.body) {
		err = fmt.Errorf("answered %.200q, not %.200q", got, r.body)
	}
	return err
}

var (
	status = []byte("HTTP/1.1 200 ")
	blank  = []byte("\r\n\r\n")
	length = []byte("\r\nContent-Length: ")
)

// answer reads one response; its body is good until the next.
func (r *request) answer() ([]byte, error) {
	n := 0
	for {
		read, err := r.conn.Read(r.in[n:])
		if err != nil {
			return nil, err
		}
		n += read
		head := bytes.Index(r.in[:n], blank)
		if head < 0 {
			continue
		}
		at := bytes.Index(r.in[:head], length)
		if !bytes.HasPrefix(r.in, status) || at < 0 {
			return nil, fmt.Errorf("answered %.300q", r.in[:n])
		}
		size := 0
		for _, c := range r.in[at+len(length) : head] {
			if c < '0' || c > '9' {
				break
			}
			size = 10*size + int(c-'0')
		}
		body := head + len(blank)
		for n < body+size {
			if read, err = r.conn.Read(r.in[n:]); err != nil {
				return nil, err
			}
			n += read
		}
		return r.in[body : body+size], nil
	}
}

func httpFigures(o options, address, path string, flight int, used func() time.Duration) (figures, error) {
	return repeated(o.runs, used, func() (figures, error) {
		return load(flight, o.time, func(i int) (caller, error) { return openRequest(address, path, i, o.bytes) })
	})
}

// measureHTTP calls each runtime through the gateway, and beside it a handler of net/http that
// echoes, which is what everything behind Go's server is measured against.
func measureHTTP(o options, d *device) error {
	floor, err := startRole(roleEcho)
	if err != nil {
		return err
	}
	defer floor.stop()
	t := newTable("HTTP, echo", "in flight", "rate/s", "p50", "p99", "CPU/call", "÷ net/http", "workers' memory")
	base := map[int]float64{}
	for _, flight := range o.flights {
		f, err := httpFigures(o, floor.address, "/", flight, floor.used)
		if err != nil {
			return err
		}
		base[flight] = f.rate
		t.row("net/http alone", flight, f, 1, "")
	}
	return d.each(o, t, func(a *application) error {
		for _, flight := range o.flights {
			f, err := httpFigures(o, d.gateway, "/"+a.name, flight, d.usedBy(a.name))
			if err != nil {
				return err
			}
			t.row(a.subject.name, flight, f, f.rate/base[flight], d.memory(a.name))
		}
		return nil
	})
}

// echo is the role of net/http alone: it tells its address and serves until it is ended.
func echo() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the benchmark ends
		_ = s.Close()
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
