// Package client is the Go client of Fescue's API, for the command line, the
// device agent and programs of others.
//
// A [Client] has a method for each operation. It promises: every error is a
// *[fail.Error] whose kind tells what the caller can do, with the server's hint, and
// the server's faults (spec.Faults) or a function's exception (*[HandlerError])
// inside; lists are whole, all pages of them; uploads and downloads are streamed;
// streams of events go on after a lost connection where they were, without gap or
// repetition, and a connection that has fallen silent is noticed.
package client

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fescue.dev/fescue/fail"
)

// Options configure [New].
type Options struct {
	BaseURL string       // of the server: http://127.0.0.1:8420
	Token   string       // bearer token
	HTTP    *http.Client // default: one of its own
	// Dropped, if not nil, is told how many items of a stream were lost because
	// they came faster than they were taken.
	Dropped func(n int64)
}

// Client speaks to one API server. Its methods are safe for concurrent use.
type Client struct {
	base    *url.URL
	token   string
	http    *http.Client
	dropped func(int64)
	timing  timing
}

// timing is what tests shorten.
type timing struct {
	idle     time.Duration // without a byte that make a stream dead; the server sends one each 15 s
	patience time.Duration // of trying to have a lost stream back
	pause    time.Duration // before the second attempt; it doubles from there
	longest  time.Duration // pause
}

// New makes a client. It does not connect yet.
func New(o Options) (*Client, error) {
	const op = "name API server"
	base, err := url.Parse(strings.TrimRight(o.BaseURL, "/"))
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fail.New(fail.Invalid, op, "%q is no address of a server", o.BaseURL).WithHint("Write it as http://127.0.0.1:8420.")
	}
	c := &Client{
		base: base, token: o.Token, http: o.HTTP, dropped: o.Dropped,
		timing: timing{idle: 45 * time.Second, patience: time.Minute, pause: 100 * time.Millisecond, longest: 5 * time.Second},
	}
	if c.http == nil {
		c.http = &http.Client{Transport: transport()}
	}
	if c.dropped == nil {
		c.dropped = func(int64) {}
	}
	return c, nil
}

// BaseURL is the address of the server.
func (c *Client) BaseURL() string { return c.base.String() }

// CloseIdle closes the connections that nobody uses.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

func transport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       time.Minute,
		MaxIdleConnsPerHost:   4,
	}
}
