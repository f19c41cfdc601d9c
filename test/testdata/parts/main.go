// The function of TestStreamedAnswers in Go.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	fescue "fescue.dev/fescue/sdk/go"
)

func main() {
	if err := fescue.Serve(context.Background(), handle); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func handle(_ context.Context, e *fescue.Event) (last []byte, err error) {
	data, verb := os.Getenv("FESCUE_DATA")+"/", strings.Trim(string(e.Payload), `"`)
	defer func() { err = errors.Join(err, os.WriteFile(data+verb, nil, 0o644)) }()
	switch verb {
	case "head":
		out := e.Output(201, map[string]string{"X-Kind": "test", "Content-Type": "text/event-stream"})
		_, err := out.Write([]byte("data: 1\n\n"))
		return nil, err
	case "wait":
		if _, err := e.Output(0, nil).Write([]byte("first ")); err != nil {
			return nil, err
		}
		for {
			if _, err := os.Stat(data + "go"); err == nil {
				return []byte("second"), nil
			}
			time.Sleep(10 * time.Millisecond)
		}
	case "large":
		for n := range 80 {
			if _, err := e.Output(0, nil).Write(bytes.Repeat([]byte{byte(n)}, 100_000)); err != nil {
				return nil, err
			}
		}
	case "fail":
		if _, err := e.Output(0, nil).Write([]byte("begun")); err != nil {
			return nil, err
		}
		return nil, errors.New("in the middle")
	case "early":
		return nil, errors.New("before anything")
	case "endless":
		for {
			if _, err := e.Output(0, nil).Write(bytes.Repeat([]byte("x"), 1000)); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}
