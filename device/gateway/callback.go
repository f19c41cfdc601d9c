package gateway

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// CallbackHeader names, in a request, where its result is to be posted.
const CallbackHeader = "Callback-Url"

// CallbackKeyFile in [Options.Dir] holds the key by which receivers tell that a result comes from here.
const CallbackKeyFile = "callback-key"

// Bounds of call-backs.
const (
	callbacksAtOnce = 8
	callbackTime    = 30 * time.Second // of one attempt
	callbackLife    = 24 * time.Hour   // of all
	callbackPause   = 10 * time.Minute // the longest between attempts
	largestCallback = 8 << 20          // bytes of a result that is posted; a larger one is to be fetched
)

// callbackFor is where the result of a request is to be posted; "" for nowhere. What a request names
// must lie within what the configuration allows.
func callbackFor(t *spec.Trigger, named string) (string, error) {
	const op = "read " + CallbackHeader
	if named == "" {
		return t.Callback.URL, nil
	}
	u, err := url.Parse(named)
	if err != nil || u.Host == "" || u.User != nil || len(named) > 2048 {
		return "", fail.New(fail.Invalid, op, "it is no URL that can be posted to")
	}
	origin := strings.ToLower(u.Scheme + "://" + u.Host)
	if !slices.ContainsFunc(t.Callback.Origins, func(o string) bool { return strings.ToLower(o) == origin }) {
		return "", fail.New(fail.Invalid, op, "%s is not among the origins that this route posts results to", origin)
	}
	return named, nil
}

// keptCallback is a call-back on disk, beside the result that it tells.
type keptCallback struct {
	Application spec.Name `json:"application"`
	URL         string    `json:"url"`
	Since       time.Time `json:"since"`
}

// callbacks posts results until they have been taken.
type callbacks struct {
	files kept
	log   *slog.Logger
	key   []byte
	again chan struct{} // holds one

	mu      sync.Mutex
	waiting map[string]*callback
}

type callback struct {
	*keptCallback
	running  bool
	attempts int
	notUntil time.Time
}

func (c *callbacks) add(id string, k *keptCallback) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[id] = &callback{keptCallback: k}
	wake(c.again)
}

// run posts what waits, until ctx ends.
func (c *callbacks) run(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	outside, own := client(refuseOwn), client(nil)
	defer outside.CloseIdleConnections()
	defer own.CloseIdleConnections()
	for {
		soonest := c.start(ctx, &work, func(k *keptCallback) *http.Client {
			if literal(k.URL) { // the configuration's author has named it so
				return own
			}
			return outside
		})
		select {
		case <-c.again:
		case <-time.After(soonest):
		case <-ctx.Done():
			return
		}
	}
}

func (c *callbacks) start(ctx context.Context, work *sync.WaitGroup, choose func(*keptCallback) *http.Client) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	running, now, soonest := 0, time.Now(), time.Hour
	for _, b := range c.waiting {
		if b.running {
			running++
		}
	}
	for id, b := range c.waiting {
		switch left := b.notUntil.Sub(now); {
		case b.running || running >= callbacksAtOnce:
		case left > 0:
			soonest = min(soonest, left)
		default:
			b.running = true
			running++
			work.Go(func() { c.attempt(ctx, id, b, choose(b.keptCallback)) })
		}
	}
	return soonest
}

// attempt posts a result once, and plans the next time if it was not taken.
func (c *callbacks) attempt(ctx context.Context, id string, b *callback, client *http.Client) {
	over, err := c.post(ctx, id, b.keptCallback, client)
	c.mu.Lock()
	defer c.mu.Unlock()
	defer wake(c.again)
	b.running = false
	b.attempts++
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return // at the next start
	case over || time.Since(b.Since) > callbackLife:
		c.log.Error("a result was not taken by its call-back, and is not posted any more", "application", b.Application, "url", b.URL, "request", id, "error", err)
	default:
		b.notUntil = time.Now().Add(min(firstPause<<min(b.attempts-1, 12), callbackPause))
		if b.attempts == 1 {
			c.log.Warn("a result was not taken by its call-back: trying again", "application", b.Application, "url", b.URL, "request", id, "error", err)
		}
		return
	}
	delete(c.waiting, id)
	if err := os.Remove(filepath.Join(c.files.dir, id+callbackSuffix)); err != nil {
		c.log.Error("a call-back cannot be forgotten: it will come again", "request", id, "error", err)
	}
}

// post sends a result; over says that trying again is useless.
func (c *callbacks) post(ctx context.Context, id string, k *keptCallback, client *http.Client) (over bool, err error) {
	kept, err := readFile[keptResult](filepath.Join(c.files.dir, id+resultSuffix))
	if err != nil {
		return true, err
	}
	answer := captured{header: http.Header{}, status: http.StatusOK}
	q := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: resultsPath + id}, Header: http.Header{}}
	if kept.Failure != "" {
		problem(&answer, http.StatusInternalServerError, kept.Failure)
	} else {
		respond(&answer, q, &Route{Data: kept.Data}, kept.Result)
	}
	ctx, cancel := context.WithTimeout(ctx, callbackTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, k.URL, bytes.NewReader(answer.body.Bytes()))
	if err != nil {
		return true, err
	}
	status, now := strconv.Itoa(answer.status), strconv.FormatInt(time.Now().Unix(), 10)
	for name, value := range map[string]string{
		"Content-Type": answer.header.Get("Content-Type"), "Fescue-Application": string(k.Application), "Fescue-Request": id,
		"Fescue-Status": status, "Fescue-Timestamp": now, "Fescue-Signature": c.sign(now, id, status, answer.body.Bytes()),
		"User-Agent": "fescue",
	} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	if answer.large {
		request.Header.Set("Fescue-Location", resultsPath+id) // the body is empty
	}
	response, err := client.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close() //nolint:errcheck // only read
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return false, nil
	}
	return response.StatusCode == http.StatusGone, fmt.Errorf("it answers with status %d", response.StatusCode)
}

// sign is "sha256=" and the HMAC-SHA-256 of "TIMESTAMP.REQUEST.STATUS.BODY" by the key, in hexadecimal.
func (c *callbacks) sign(timestamp, id, status string, body []byte) string {
	h := hmac.New(sha256.New, c.key)
	fmt.Fprintf(h, "%s.%s.%s.", timestamp, id, status)
	h.Write(body)
	return "sha256=" + hex.EncodeToString(h.Sum(nil))
}

// captured is a response that is posted.
type captured struct {
	header http.Header
	status int
	body   bytes.Buffer
	large  bool
}

// Header is http.ResponseWriter's.
func (c *captured) Header() http.Header { return c.header }

// WriteHeader is http.ResponseWriter's.
func (c *captured) WriteHeader(status int) { c.status = status }

// Write is http.ResponseWriter's; what is too large is left out as a whole.
func (c *captured) Write(p []byte) (int, error) {
	if c.large = c.large || c.body.Len()+len(p) > largestCallback; c.large {
		c.body.Reset()
		return len(p), nil
	}
	return c.body.Write(p)
}

// client posts to addresses that check allows, follows no redirections and uses no proxy: it goes where the
// configuration says, and nowhere else.
func client(check func(network, address string, _ syscall.RawConn) error) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: check}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 1},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// refuseOwn refuses addresses by which a name leads to this device itself, or to what answers on every network (the
// metadata of a cloud's machine). It is asked for the address that is connected to, after the name was resolved.
func refuseOwn(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	ip := to.Addr().Unmap()
	if err != nil || ip.IsLoopback() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast() {
		return fail.New(fail.Denied, "post result", "the name leads to %s", address)
	}
	return nil
}

// literal tells whether a URL names an address, or localhost, and no name that somebody else resolves.
func literal(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	_, notAddress := netip.ParseAddr(u.Hostname())
	return notAddress == nil || u.Hostname() == "localhost"
}
