package gateway

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/spec"
)

// resultsPath is where results of asynchronous requests are fetched.
const resultsPath = spec.ReservedPath + "results/"

const (
	requestSuffix  = ".request"
	resultSuffix   = ".result"
	callbackSuffix = ".callback" // there is one while the result has not been posted
)

// keptRequest is an asynchronous request on disk.
type keptRequest struct {
	Application spec.Name  `json:"application"`
	Route       spec.Route `json:"route"`
	Public      bool       `json:"public,omitempty"`
	Request     *Request   `json:"request"`
	Callback    string     `json:"callback,omitempty"` // where the result is to be posted
}

// keptResult is what became of one.
type keptResult struct {
	Public  bool   `json:"public,omitempty"`
	Data    string `json:"data"` // the application's directory, for a result that is a file
	Result  []byte `json:"result,omitempty"`
	Failure string `json:"failure,omitempty"`
}

// kept is the directory of both.
type kept struct{ dir string }

// write puts a value into a file: after a power cut it is there whole, or not.
func (k kept) write(name string, value any) (err error) {
	const op = "keep request"
	text, err := json.Marshal(value)
	if err != nil {
		return fail.Wrap(err, fail.Internal, op, name)
	}
	path := filepath.Join(k.dir, name)
	return fail.Wrap(durable.Replace(path, text), fail.Exhausted, op, path)
}

// finish keeps that the result is to be told, if it is, and the result, and then forgets the request: a crash in
// between carries it out once more, or posts it.
func (k kept) finish(id string, r keptResult, callback *keptCallback) error {
	if callback != nil {
		if err := k.write(id+callbackSuffix, callback); err != nil {
			return err
		}
	}
	if err := k.write(id+resultSuffix, r); err != nil {
		return err
	}
	return os.Remove(filepath.Join(k.dir, id+requestSuffix))
}

// load reads the requests that have no result, and the call-backs of those that have one, and counts the results.
func (k kept) load(log *slog.Logger) (requests map[string]*keptRequest, callbacks map[string]*keptCallback, results int, err error) {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return nil, nil, 0, fail.Wrap(err, fail.Internal, "read kept requests", k.dir)
	}
	requests, callbacks = map[string]*keptRequest{}, map[string]*keptCallback{}
	for _, e := range entries {
		if id, is := strings.CutSuffix(e.Name(), callbackSuffix); is {
			if c, err := readFile[keptCallback](filepath.Join(k.dir, e.Name())); err == nil && k.has(id+resultSuffix) {
				callbacks[id] = c
			} // without a result it is written again with it
			continue
		}
		path := filepath.Join(k.dir, e.Name())
		id, isRequest := strings.CutSuffix(e.Name(), requestSuffix)
		switch {
		case isRequest && k.has(id+resultSuffix), strings.HasSuffix(e.Name(), durable.Suffix):
			_ = os.Remove(path) // finished, or never accepted
		case isRequest:
			r, err := readFile[keptRequest](path)
			if err != nil || r.Request == nil {
				log.Error("a kept request cannot be read and is lost", "file", path, "error", err)
				_ = os.Remove(path)
				continue
			}
			requests[id] = r
		default:
			results++
		}
	}
	return requests, callbacks, results, nil
}

func readFile[T any](path string) (*T, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var value T
	return &value, json.Unmarshal(text, &value)
}

func (k kept) has(name string) bool {
	_, err := os.Stat(filepath.Join(k.dir, name))
	return err == nil
}

// expire removes results from before a moment, and counts them.
func (k kept) expire(before time.Time) (removed int) {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasSuffix(e.Name(), resultSuffix) && info.ModTime().Before(before) && !k.has(strings.TrimSuffix(e.Name(), resultSuffix)+callbackSuffix) && os.Remove(filepath.Join(k.dir, e.Name())) == nil {
			removed++
		}
	}
	return removed
}

// result answers who asks what became of a request.
func (g *Gateway) result(w http.ResponseWriter, q *http.Request) {
	id := q.PathValue("id")
	if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		problem(w, http.StatusNotFound, "there is no such request")
		return
	}
	waits := g.async.files.has(id + requestSuffix) // before the result is looked for: it is there before the request goes
	r, err := readFile[keptResult](filepath.Join(g.async.files.dir, id+resultSuffix))
	switch {
	case errors.Is(err, fs.ErrNotExist) && waits:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusAccepted)
	case err != nil:
		problem(w, http.StatusNotFound, "there is no such request, or its result was removed after "+keepResults.String())
	case !r.Public && !g.allowed(q):
		w.Header().Set("WWW-Authenticate", "Bearer")
		problem(w, http.StatusUnauthorized, "this result asks for the gateway's token: Authorization: Bearer …")
	case r.Failure != "" && r.Public:
		problem(w, http.StatusInternalServerError, "the function failed; its log says why")
	case r.Failure != "":
		problem(w, http.StatusInternalServerError, r.Failure)
	default:
		respond(w, q, &Route{Data: r.Data}, r.Result)
	}
}
