package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"unicode/utf8"

	"fescue.dev/fescue/fail"
)

// answer is what a function returns that wants to say more than a body: the form that AWS Lambda
// gave it, so that handlers need no change, and a file of the application's data besides.
type answer struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       json.RawMessage   `json:"body"`
	Base64     bool              `json:"isBase64Encoded"`
	File       string            `json:"file"`
}

// respond makes a result a response.
func respond(w http.ResponseWriter, q *http.Request, route *Route, result []byte) {
	a, ok := answerOf(result)
	if !ok {
		if len(result) == 0 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", contentType(result))
		_, _ = w.Write(result) // the caller may have gone
		return
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	if a.File != "" {
		a.sendFile(w, q, route)
		return
	}
	body, err := a.body()
	if err != nil {
		problemOf(w, err, true)
		return
	}
	if w.Header().Get("Content-Type") == "" && len(body) > 0 {
		w.Header().Set("Content-Type", contentType(body))
	}
	w.WriteHeader(a.StatusCode)
	_, _ = w.Write(body) // the caller may have gone
}

// answerOf recognises a result that says its status.
func answerOf(result []byte) (answer, bool) {
	if len(result) == 0 || result[0] != '{' || !bytes.Contains(result, []byte(`"statusCode"`)) {
		return answer{}, false
	}
	var a answer
	if json.Unmarshal(result, &a) != nil || a.StatusCode < 200 || a.StatusCode > 599 {
		return answer{}, false
	}
	return a, true
}

// body is the text, its bytes if it is base64, or JSON of anything else.
func (a *answer) body() ([]byte, error) {
	var text string
	if len(a.Body) == 0 || string(a.Body) == "null" {
		return nil, nil
	}
	if a.Body[0] != '"' { // it is JSON; anything but text means itself
		return a.Body, nil
	}
	if err := json.Unmarshal(a.Body, &text); err != nil {
		return nil, fail.Wrap(err, fail.Internal, "read the function's result", "body")
	}
	if !a.Base64 {
		return []byte(text), nil
	}
	body, err := base64.StdEncoding.DecodeString(text)
	return body, fail.Wrap(err, fail.Internal, "read the function's result", "body")
}

// sendFile streams a file of the application's data, and of nothing else.
func (a *answer) sendFile(w http.ResponseWriter, q *http.Request, route *Route) {
	const op = "send file"
	f, err := os.OpenInRoot(route.Data, strings.TrimPrefix(a.File, route.Data+"/"))
	if err != nil {
		problemOf(w, fail.Wrap(err, fail.Internal, op, a.File), true)
		return
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		problemOf(w, fail.New(fail.Internal, op, "it is no file").On(a.File), true)
		return
	}
	if a.StatusCode == http.StatusOK {
		http.ServeContent(w, q, info.Name(), info.ModTime(), f) // with ranges
		return
	}
	w.WriteHeader(a.StatusCode)
	_, _ = io.Copy(w, f) // the caller may have gone
}

// contentType is what a body looks like.
func contentType(body []byte) string {
	switch {
	case bytes.IndexByte([]byte(`{["-0123456789tfn`), body[0]) >= 0 && json.Valid(body):
		return "application/json"
	case utf8.Valid(body):
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}
