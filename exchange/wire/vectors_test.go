package wire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/exchange/wire"
)

var update = flag.Bool("update", false, "rewrite sdk/conformance/vectors.json")

const vectorsFile = "../../sdk/conformance/vectors.json"

// vectors is the file that every SDK reads; its README describes it.
type vectors struct {
	Version int      `json:"version"`
	Vectors []vector `json:"vectors"`
}

type vector struct {
	Name      string         `json:"name"`
	Direction string         `json:"direction"` // "client" or "broker": who sends it
	Hex       string         `json:"hex"`
	Fields    map[string]any `json:"fields,omitempty"`
	// Error is the code with which the receiver answers; such a vector has no fields.
	Error string `json:"error,omitempty"`
	// Skipped vectors are unknown extensions, which the receiver passes over.
	Skipped bool `json:"skipped,omitempty"`
}

// TestGoldenVectors compares the file with what the Append functions make
// today; -update rewrites it.
func TestGoldenVectors(t *testing.T) {
	want := vectors{Version: wire.Version}
	for _, c := range slices.Concat(validCases(), invalidCases(), invalidKeptCases()) {
		want.Vectors = append(want.Vectors, c.vector(t))
	}
	text := encode(t, want)
	if *update {
		if err := os.MkdirAll(filepath.Dir(vectorsFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorsFile, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatalf("%v (go test ./exchange/wire -update makes it)", err)
	}
	if diff := cmp.Diff(string(text), string(have)); diff != "" {
		t.Errorf("vectors.json is not what this package makes (-made +file):\n%s", diff)
	}
}

// TestVectorsAreRead reads the file as an SDK would: frame by frame from the
// bytes, comparing the fields.
func TestVectorsAreRead(t *testing.T) {
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var file vectors
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 150 {
		t.Fatalf("only %d vectors", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) { v.verify(t) })
	}
}

func (v vector) verify(t *testing.T) {
	raw, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatal(err)
	}
	f, err := wire.NewReader(bytes.NewReader(raw), wire.DefaultBody).Next()
	if err != nil && v.Error == "" {
		t.Fatal(err)
	}
	if f.Skip {
		if v.Error != wire.TooLarge.String() {
			t.Fatalf("taken for too large, want error %q", v.Error)
		}
		return
	}
	check := wire.CheckClient
	if v.Direction == "broker" {
		check = wire.CheckBroker
	}
	err = check(f)
	if (err != nil) != (v.Error != "") {
		t.Fatalf("error %v, want %q", err, v.Error)
	}
	if v.Error != "" || v.Skipped {
		return
	}
	if diff := cmp.Diff(v.Fields, normal(t, describe(t, f))); diff != "" {
		t.Errorf("fields differ (-file +read):\n%s", diff)
	}
}

// normal gives numbers the type they have after JSON.
func normal(t *testing.T, fields map[string]any) map[string]any {
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func encode(t *testing.T, v vectors) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (c testCase) vector(t *testing.T) vector {
	v := vector{Name: c.name, Direction: "client", Hex: hex.EncodeToString(c.frame), Error: c.err, Skipped: c.skipped}
	if c.broker {
		v.Direction = "broker"
	}
	if c.err == "" && !c.skipped {
		f, err := wire.NewReader(bytes.NewReader(c.frame), wire.DefaultBody).Next()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		v.Fields = describe(t, f)
	}
	return v
}

// describe gives a frame's fields the names of the specification. Payloads are
// in hexadecimal, everything that is text as text.
func describe(t *testing.T, f wire.Frame) map[string]any {
	m := map[string]any{"type": f.Type.String(), "id": f.ID}
	describeSession(t, f, m)
	describeTopical(t, f, m)
	describeDurable(t, f, m)
	describeState(t, f, m)
	describeModule(t, f, m)
	switch f.Type {
	case wire.Ping, wire.Pong, wire.Publish, wire.Reply, wire.Result:
		m["payload"] = hex.EncodeToString(f.Body)
	case wire.Register:
		m["topic"] = string(f.Body)
	case wire.Forget:
		m["place"] = string(f.Body)
	case wire.Get:
		m["key"] = string(f.Body)
	case wire.Remove:
		m["function"] = string(f.Body)
	case wire.Log:
		m["text"] = string(f.Body)
	case wire.Invoke:
		i, err := f.Invoke()
		must(t, err)
		var list [][2]string
		for k, v := range i.Attributes() {
			list = append(list, [2]string{string(k), string(v)})
		}
		m["timeout"], m["attributes"], m["payload"] = i.Timeout, list, hex.EncodeToString(i.Payload)
	case wire.Part:
		head, data, err := f.Part()
		must(t, err)
		m["flags"], m["payload"] = map[bool]int{true: 1}[head], hex.EncodeToString(data)
	case wire.Failure:
		b, err := f.Failure()
		must(t, err)
		m["errorType"], m["message"], m["stack"] = string(b.Type), string(b.Message), string(b.Stack)
	}
	return m
}

func describeSession(t *testing.T, f wire.Frame, m map[string]any) {
	switch f.Type {
	case wire.Hello:
		h, err := f.Hello()
		must(t, err)
		m["lowest"], m["highest"], m["capabilities"] = h.Lowest, h.Highest, h.Capabilities
		m["maxBody"], m["token"], m["client"] = h.MaxBody, string(h.Token), string(h.Client)
	case wire.Welcome:
		w, err := f.Welcome()
		must(t, err)
		m["version"], m["capabilities"], m["maxBody"] = w.Version, w.Capabilities, w.MaxBody
		m["application"], m["device"] = string(w.Application), string(w.Device)
	case wire.Error:
		e, err := f.Error()
		must(t, err)
		m["code"], m["codeName"], m["refused"] = e.Code, e.Code.String(), e.Refused
		m["topic"], m["text"] = string(e.Topic), string(e.Text)
	case wire.Goodbye:
		code, text, err := f.Goodbye()
		must(t, err)
		m["code"], m["codeName"], m["text"] = code, code.String(), string(text)
	case wire.OK:
		granted, err := f.OK()
		must(t, err)
		m["granted"] = granted
	}
}

func describeTopical(t *testing.T, f wire.Frame, m map[string]any) {
	switch f.Type {
	case wire.Subscribe:
		s, err := f.Subscribe()
		must(t, err)
		m["policy"], m["flags"], m["queue"], m["filter"] = s.Policy, s.Flags, s.Queue, string(s.Filter)
	case wire.PublishTo, wire.Message, wire.Request, wire.Call:
		b, err := f.Topical()
		must(t, err)
		m["topic"], m["payload"] = string(b.Topic), hex.EncodeToString(b.Payload)
		if f.Type == wire.Call {
			m["subscription"] = b.Subscription
		}
		if f.Type == wire.Call || f.Type == wire.Request {
			m["timeout"] = b.Timeout
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// repeat is for long fields.
func repeat(s string, n int) string { return strings.Repeat(s, n) }
