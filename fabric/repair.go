package fabric

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// JetStream never writes to a stream again once a write to it failed, be it only
// for a disk that was full for a minute, and does not answer whoever publishes
// to it. Without what follows an agent would have to be restarted for its events to flow.

// doubtSubject is where a journal says that its events are not acknowledged.
const doubtSubject = prefix + "fabric.doubt"

const (
	// examination is the period of looking after the streams.
	examination = 15 * time.Second
	// repairPause is the least time between two repairs: a disk that stays full
	// must not keep the fabric busy with itself.
	repairPause = time.Second
)

// hearDoubts has the streams examined when a journal doubts them, until the
// connection closes.
func (s *Server) hearDoubts(nc *nats.Conn) error {
	sub, err := nc.Subscribe(doubtSubject, func(*nats.Msg) { s.examine() })
	if err != nil {
		return err
	}
	return sub.SetPendingLimits(1, -1)
}

// examine opens the streams anew if one of them cannot be written any more.
// Clients stay connected; what they ask of a stream meanwhile fails and is tried again.
func (s *Server) examine() {
	s.mu.Lock() // against Close, and another examination
	defer s.mu.Unlock()
	if s.closed || time.Since(s.repaired) < repairPause {
		return
	}
	illness := s.illness()
	if illness == "" {
		return
	}
	s.repaired = time.Now()
	s.log.Warn("the fabric's streams are opened anew", "reason", illness)
	if err := s.nats.ShutdownJetStream(); err != nil {
		s.log.Error("close the streams", "error", err)
	}
	err := s.nats.EnableJetStream(&server.JetStreamConfig{
		StoreDir: s.opts.StoreDir, MaxStore: s.opts.JetStreamMaxStore, MaxMemory: s.opts.JetStreamMaxMemory,
		SyncInterval: s.opts.SyncInterval, SyncAlways: s.opts.SyncAlways, Strict: true, CompressOK: true,
	})
	if err != nil {
		s.log.Error("open the streams", "error", err)
	}
}

// illness is what nats-server finds wrong with its streams, or "". Its health
// check is there for HTTP alone.
func (s *Server) illness() string {
	var report healthReport
	s.nats.HandleHealthz(&report, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/healthz"}})
	if report.status == 0 || report.status == http.StatusOK {
		return ""
	}
	return report.body.String()
}

// healthReport keeps what a handler answers.
type healthReport struct {
	status int
	header http.Header
	body   strings.Builder
}

// Header implements http.ResponseWriter, as do the methods below.
func (r *healthReport) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}

// WriteHeader keeps the status.
func (r *healthReport) WriteHeader(status int) { r.status = status }

// Write keeps the text.
func (r *healthReport) Write(p []byte) (int, error) { return r.body.Write(p) }
