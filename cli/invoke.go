package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func (s *session) invokeCommand() *cobra.Command {
	var data string
	var o client.InvokeOptions
	c := &cobra.Command{
		Use:   "invoke NAME",
		Short: "Call a function and print what it returns",
		Example: `  fescue invoke hello --data '{"name": "Ada"}'
  fescue invoke hello --data @event.json
  date | fescue invoke hello --data @-`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			name, err := spec.ParseName(a[0])
			if err != nil {
				return err
			}
			payload, err := s.payload(data)
			if err != nil {
				return err
			}
			api, err := s.client()
			if err != nil {
				return err
			}
			o.ContentType = contentType(payload)
			answer, err := api.Invoke(c.Context(), name, payload, o)
			if err != nil {
				return err
			}
			return s.printPayload(answer)
		},
	}
	f := c.Flags()
	f.StringVarP(&data, "data", "d", "", "the event: text, @FILE or @- for standard input")
	f.StringVar((*string)(&o.Device), "device", "", "the device (default: the only one that has the function)")
	f.DurationVar(&o.Timeout, "timeout", 30*time.Second, "how long to wait")
	return c
}

// payload is text as it stands, or what @FILE or @- hold.
func (s *session) payload(text string) ([]byte, error) {
	path, isFile := strings.CutPrefix(text, "@")
	switch {
	case !isFile:
		return []byte(text), nil
	case path == "-":
		return io.ReadAll(s.Stdin)
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fail.New(fail.NotFound, "read payload", "there is no such file").On(path)
	}
	return b, fail.Wrap(err, fail.Internal, "read payload", path)
}

// contentType is what a payload plainly is: JSON, text, or bytes.
func contentType(payload []byte) string {
	switch {
	case json.Valid(payload):
		return "application/json"
	case utf8.Valid(payload):
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// printPayload writes an answer with one line end.
func (s *session) printPayload(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if _, err := s.Stdout.Write(b); err != nil {
		return err
	}
	if !bytes.HasSuffix(b, []byte("\n")) {
		_, err := io.WriteString(s.Stdout, "\n")
		return err
	}
	return nil
}
