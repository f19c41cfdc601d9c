package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"fescue.dev/fescue/fail"
)

const jsonType = "application/json"

// maxRecord bounds a record that is read whole.
const maxRecord = 64 << 20

// request is one call of the API.
type request struct {
	op      string // in the words of an error: "read application"
	on      string // the resource
	method  string
	path    []string // segments, unescaped
	query   url.Values
	header  http.Header
	body    io.Reader
	length  int64 // of the body; -1: not known
	expects bool  // wait for the server's consent before the body is sent
}

// record makes the body a record.
func (r *request) record(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fail.New(fail.Internal, r.op, "encode the request: %w", err)
	}
	r.body, r.length = bytes.NewReader(text), int64(len(text))
	r.set("Content-Type", jsonType)
	return nil
}

// bytes makes the body plain bytes.
func (r *request) bytes(b []byte) {
	if len(b) > 0 {
		r.body, r.length = bytes.NewReader(b), int64(len(b))
	}
	r.set("Content-Type", "application/octet-stream")
}

func (r *request) set(name, value string) {
	if r.header == nil {
		r.header = http.Header{}
	}
	r.header.Set(name, value)
}

// send sends the request and returns an answer that is no problem. The caller
// closes its body.
func (c *Client) send(ctx context.Context, r *request) (*http.Response, error) {
	for _, s := range r.path {
		if s == "" || s == "." || s == ".." { // a path would lead elsewhere
			return nil, fail.New(fail.Invalid, r.op, "%q is no name", s)
		}
	}
	to := c.base.JoinPath(escaped(r.path)...)
	to.RawQuery = r.query.Encode()
	q, err := http.NewRequestWithContext(ctx, r.method, to.String(), r.body)
	if err != nil {
		return nil, fail.Wrap(err, fail.Invalid, r.op, r.on)
	}
	if r.header != nil {
		q.Header = r.header
	}
	q.Header.Set("Authorization", "Bearer "+c.token)
	q.Header.Set("User-Agent", "fescue")
	if r.body != nil {
		q.ContentLength = r.length
		q.Body = io.NopCloser(r.body) // who brought it closes it
	}
	if r.expects {
		q.Header.Set("Expect", "100-continue")
	}
	answer, err := c.http.Do(q)
	if err != nil {
		return nil, c.unreachable(ctx, err, r)
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		defer answer.Body.Close() //nolint:errcheck // only read
		return nil, readProblem(answer, r)
	}
	return answer, nil
}

func escaped(segments []string) []string {
	all := make([]string, len(segments))
	for i, s := range segments {
		all[i] = url.PathEscape(s)
	}
	return all
}

// unreachable says what it means that there is no answer.
func (c *Client) unreachable(ctx context.Context, err error, r *request) error {
	var ours *fail.Error
	switch {
	case errors.As(err, &ours): // of who brought the body
		return fail.Wrap(ours, ours.Kind, r.op, r.on)
	case ctx.Err() != nil:
		return ended(ctx, r)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // the address is said below
	}
	return fail.New(fail.Unavailable, r.op, "the server at %s does not answer: %w", c.base, err).On(r.on).
		WithHint("Look whether 'fescue up' runs there, and whether the address is right.")
}

// ended is the error of a context that is over.
func ended(ctx context.Context, r *request) error {
	cause := context.Cause(ctx)
	kind := fail.Canceled
	if errors.Is(cause, context.DeadlineExceeded) {
		kind = fail.Timeout
	}
	return fail.Wrap(cause, kind, r.op, r.on)
}

// call sends the request and decodes the record that it is answered with.
func call[T any](ctx context.Context, c *Client, r *request) (record T, err error) {
	answer, err := c.send(ctx, r)
	if err != nil {
		return record, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	err = json.NewDecoder(io.LimitReader(answer.Body, maxRecord)).Decode(&record)
	switch {
	case err == nil:
		return record, nil
	case ctx.Err() != nil:
		return record, ended(ctx, r)
	}
	return record, fail.New(fail.Unavailable, r.op, "the answer cannot be read: %w", err).On(r.on).
		WithHint("Look whether %s is a Fescue server.", c.base)
}

// do sends a request whose answer has no body of interest.
func (c *Client) do(ctx context.Context, r *request) error {
	answer, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// list is a page of a list.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// all reads every page of a list.
func all[T any](ctx context.Context, c *Client, op, on string, query url.Values, path ...string) ([]T, error) {
	items := []T{}
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", "500")
	for {
		page, err := call[list[T]](ctx, c, &request{op: op, on: on, method: http.MethodGet, path: path, query: query})
		if err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if page.Next == "" {
			return items, nil
		}
		query.Set("cursor", page.Next)
	}
}

// get reads one record.
func get[T any](ctx context.Context, c *Client, op, on string, query url.Values, path ...string) (T, error) {
	return call[T](ctx, c, &request{op: op, on: on, method: http.MethodGet, path: path, query: query})
}
