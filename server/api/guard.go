package api

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"fescue.dev/fescue/fail"
)

const (
	// drained is how much, and drainPatience how long, the server goes on to read of an
	// upload that it has refused.
	drained       = 64 << 20
	drainPatience = 5 * time.Second
	// writePatience is how long a client may leave what it asked for unread.
	writePatience = 30 * time.Second
	// readPatience is how long an upload may stand still.
	readPatience = time.Minute
)

// guard is what every request passes first: the check of host and origin, the
// access log, and deadlines that move on with each piece written.
func (s *Server) guard(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(plain http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		w := &response{ResponseWriter: plain, control: http.NewResponseController(plain)}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch err := origins.Check(r); {
		case !s.hostAllowed(r):
			writeProblem(w, newProblem(codeMisdirected, "this server does not answer to the host "+clip(r.Host, 100), "Use 127.0.0.1 or localhost."))
		case err != nil:
			writeProblem(w, problemOf(fail.New(fail.Denied, "check origin", "%w", err).WithHint("A web page may change something only on the server it came from.")))
		default:
			next.ServeHTTP(w, r)
		}
		s.requests.note(r.Method, w.status, time.Since(begun))
		s.Log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", w.status), slog.Int64("bytes", w.bytes), slog.Duration("took", time.Since(begun)), slog.String("from", r.RemoteAddr))
	})
}

// hostAllowed stands against DNS rebinding: a web page whose name turns into
// 127.0.0.1 still sends its own name. Beyond loopback the names by which a server
// is reached cannot be known.
func (s *Server) hostAllowed(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local != nil && !isLoopback(local.String()) {
		return true
	}
	host := hostOnly(r.Host)
	return isLoopback(r.Host) || slices.Contains(s.Hosts, host)
}

// isLoopback tells whether a host, with or without port, is this machine alone.
func isLoopback(address string) bool {
	host := hostOnly(address)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, section 6.3
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func hostOnly(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(address, "[]"), "."))
}

func clip(text string, length int) string {
	if len(text) <= length {
		return text
	}
	return text[:length] + "…"
}

// response notes what was answered, and moves the deadline for writing on with
// every piece, so that a large download may take long but never stand still.
type response struct {
	http.ResponseWriter
	control *http.ResponseController
	status  int
	bytes   int64
}

// WriteHeader notes the status.
func (w *response) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes within writePatience.
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	_ = w.control.SetWriteDeadline(time.Now().Add(writePatience)) // not every writer has deadlines (tests)
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// upload is a request's body with a deadline that moves on with every piece
// read, and goes with the last: a deadline that passed later, while the operation
// works, would look like a client that has gone.
type upload struct {
	io.ReadCloser
	control *http.ResponseController
	begun   bool
	ended   bool
}

func newUpload(w http.ResponseWriter, r *http.Request) *upload {
	u := &upload{ReadCloser: r.Body, control: http.NewResponseController(w)}
	_ = u.control.EnableFullDuplex() // so that a refusal is sent before the rest is read; HTTP/2 always can
	return u
}

// drain sends what was answered and then reads on for a while, if the answer came
// in the middle of an upload: a connection that is closed on a client which is still
// writing breaks before the client has read why.
func (u *upload) drain() {
	if !u.begun || u.ended || u.control.Flush() != nil {
		return
	}
	if u.control.SetReadDeadline(time.Now().Add(drainPatience)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, u.ReadCloser, drained) // whatever comes of it, the connection ends
}

// Read reads within readPatience.
func (u *upload) Read(p []byte) (int, error) {
	_ = u.control.SetReadDeadline(time.Now().Add(readPatience)) // not every writer has deadlines (tests)
	n, err := u.ReadCloser.Read(p)
	u.begun = true
	if err != nil {
		u.ended = true
		_ = u.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
