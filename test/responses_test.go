package test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The handlers below answer piece by piece, as their event says.
const partsPython = `
import os, time
DATA = os.environ["FESCUE_DATA"]

def made(verb):
    try:
        if verb == "wait":
            yield "first "
            while not os.path.exists(DATA + "/go"):
                time.sleep(0.01)
            yield b"second"
        if verb == "large":
            for n in range(80):
                yield bytes([n]) * 100_000
        if verb == "fail":
            yield "begun"
            raise ValueError("in the middle")
        if verb == "early":
            raise ValueError("before anything")
        while verb == "endless":
            yield "x" * 1000
    finally:
        open(DATA + "/" + verb, "w").close()

def handle(verb, context):
    if verb == "head":
        return {"statusCode": 201, "headers": {"X-Kind": "test", "Content-Type": "text/event-stream"}, "body": iter(["data: 1\n\n"])}
    if verb == "nothing":
        return iter([])
    return made(verb)
`

const partsAsyncPython = partsPython + `
import asyncio
async def made_async(verb):
    parts = made(verb)
    try:
        for part in parts:
            await asyncio.sleep(0)
            yield part
    finally:
        parts.close()

async def handle_async(verb, context):
    answer = handle(verb, context)
    return made_async(verb) if hasattr(answer, "close") else answer
`

const partsNode = `
import { existsSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
const DATA = process.env.FESCUE_DATA;

async function* made(verb) {
  try {
    if (verb === 'wait') {
      yield 'first ';
      while (!existsSync(DATA + '/go')) await new Promise((resolve) => setTimeout(resolve, 10));
      yield Buffer.from('second');
    }
    if (verb === 'large') for (let n = 0; n < 80; n++) yield Buffer.alloc(100_000, n);
    if (verb === 'fail') {
      yield 'begun';
      throw new Error('in the middle');
    }
    if (verb === 'early') throw new Error('before anything');
    while (verb === 'endless') yield 'x'.repeat(1000);
  } finally {
    writeFileSync(DATA + '/' + verb, '');
  }
}

export const handle = (verb) => {
  if (verb === 'head') {
    return { statusCode: 201, headers: { 'X-Kind': 'test', 'Content-Type': 'text/event-stream' }, body: Readable.from(['data: 1\n\n']) };
  }
  return verb === 'nothing' ? [].values() : verb === 'large' ? Readable.from(made(verb)) : made(verb);
};
`

const partsJava = `
import dev.fescue.Context;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

public class F {
    static final Path DATA = Path.of(System.getenv("FESCUE_DATA"));

    public static byte[] handle(String event, Context context) throws Exception {
        String verb = event.replace("\"", "");
        try {
            return make(verb, context);
        } finally {
            Files.writeString(DATA.resolve(verb), "");
        }
    }

    static byte[] make(String verb, Context context) throws Exception {
        switch (verb) {
            case "head":
                context.output(201, Map.of("X-Kind", "test", "Content-Type", "text/event-stream")).write("data: 1\n\n".getBytes());
                return null;
            case "wait":
                OutputStream out = context.output();
                out.write("first ".getBytes());
                out.flush();
                while (!Files.exists(DATA.resolve("go"))) Thread.sleep(10);
                return "second".getBytes();
            case "large":
                for (int n = 0; n < 80; n++) {
                    byte[] part = new byte[100_000];
                    Arrays.fill(part, (byte) n);
                    context.output().write(part);
                }
                return null;
            case "fail":
                context.output().write("begun".getBytes());
                context.output().flush();
                throw new IllegalStateException("in the middle");
            case "early": throw new IllegalStateException("before anything");
            case "endless":
                while (true) context.output().write("x".repeat(1000).getBytes());
            default: return null;
        }
    }
}
`

const partsCpp = `
#include <fescue.hpp>
#include <fstream>
#include <thread>

std::string handle(const fescue::Message& event) {
    const std::string data = std::string(std::getenv("FESCUE_DATA")) + "/";
    std::string verb(event.payload());
    verb.erase(std::remove(verb.begin(), verb.end(), '"'), verb.end());
    struct Mark {
        std::string path;
        ~Mark() { std::ofstream file(path); }
    } mark{data + verb};
    if (verb == "head") {
        event.head("{\"statusCode\": 201, \"headers\": {\"X-Kind\": \"test\", \"Content-Type\": \"text/event-stream\"}}");
        event.part("data: 1\n\n");
    }
    if (verb == "wait") {
        event.part("first ");
        while (!std::ifstream(data + "go")) std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return "second";
    }
    if (verb == "large") for (int n = 0; n < 80; n++) event.part(std::string(100000, static_cast<char>(n)));
    if (verb == "fail") {
        event.part("begun");
        throw std::runtime_error("in the middle");
    }
    if (verb == "early") throw std::runtime_error("before anything");
    while (verb == "endless") event.part(std::string(1000, 'x'));
    return "";
}

int main() { return fescue::serve(handle); }
`

// built is the bytes of a Go program of testdata.
func built(t *testing.T, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-o", out, "./testdata/"+name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return readFile(t, out)
}

// ask posts a body and gives the answer, whose body is read by the test.
func (m *machine) ask(ctx context.Context, path, body string) *http.Response {
	m.t.Helper()
	q, err := http.NewRequestWithContext(ctx, "POST", m.gateway()+path, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "text/plain")
	q.Header.Set("Authorization", "Bearer "+strings.TrimSpace(readFile(m.t, filepath.Join(m.state, "device/gateway/token"))))
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = r.Body.Close() })
	return r
}

// Answers that are sent while the handler makes them.
func TestStreamedAnswers(t *testing.T) {
	m := newMachine(t)
	for _, c := range []struct{ name, configuration, file, code string }{
		{"python", "runtime: python\nhandler: f.handle\n", "f.py", partsPython},
		{"threads", "runtime: python\nhandler: f.handle\nworkers: {concurrency: 4, max: 1}\n", "f.py", partsPython},
		{"async", "runtime: python\nhandler: f.handle_async\n", "f.py", partsAsyncPython},
		{"node", "runtime: node\nhandler: f.handle\n", "f.mjs", partsNode},
		{"java", "runtime: java\nhandler: F::handle\ncommands: [{run: javac -d classes F.java, wait: true}]\n", "F.java", partsJava},
		{"javathreads", "runtime: java\nhandler: F::handle\nworkers: {concurrency: 4, max: 1}\ncommands: [{run: javac -d classes F.java, wait: true}]\n", "F.java", partsJava},
		{"cpp", "runtime: cpp\nhandler: f\ncommands: [{run: c++ -std=c++17 -O1 -o f f.cpp -lfescue, wait: true}]\n", "f.cpp", partsCpp},
		{"go", "runtime: native\nhandler: ./f\ncommands: [{run: chmod +x f, wait: true}]\n", "f", built(t, "parts")},
	} {
		t.Run(c.name, func(t *testing.T) {
			m.t = t
			m.must("deploy", m.application(map[string]string{
				"fescue.yaml": "name: parts-" + c.name + "\nversion: 1.0.0\n" + c.configuration + "triggers:\n  - http: POST /" + c.name + "\n    timeout: 60s\n",
				c.file:        c.code,
			}))
			m.streams("/"+c.name, "parts-"+c.name)
		})
	}
	m.t = t
}

// streams asks an application of this file for each of its answers.
func (m *machine) streams(path, app string) {
	t := m.t
	ctx := context.Background()
	data := filepath.Join(m.state, "device/apps", app, "data")
	whole := func(verb string) (*http.Response, string, error) {
		r := m.ask(ctx, path, verb)
		text, err := io.ReadAll(r.Body)
		return r, string(text), err
	}

	// The first piece is here before the second is made.
	r := m.ask(ctx, path, "wait")
	first := make([]byte, 6)
	if _, err := io.ReadFull(r.Body, first); err != nil || string(first) != "first " {
		t.Fatalf("%q, %v", first, err)
	}
	if err := os.WriteFile(filepath.Join(data, "go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(r.Body); err != nil || string(rest) != "second" || r.StatusCode != 200 {
		t.Errorf("%d %q, %v", r.StatusCode, rest, err)
	}

	if r, text, err := whole("head"); err != nil || r.StatusCode != 201 || r.Header.Get("X-Kind") != "test" ||
		r.Header.Get("Content-Type") != "text/event-stream" || text != "data: 1\n\n" {
		t.Errorf("%d %v %q, %v", r.StatusCode, r.Header, text, err)
	}
	if r, text, err := whole("nothing"); err != nil || r.StatusCode != 204 || text != "" {
		t.Errorf("nothing: %d %q, %v", r.StatusCode, text, err)
	}
	var large bytes.Buffer
	for n := range 80 {
		large.Write(bytes.Repeat([]byte{byte(n)}, 100_000))
	}
	if r, text, err := whole("large"); err != nil || r.StatusCode != 200 || text != large.String() {
		t.Errorf("8 MB: %d, %d bytes, %v", r.StatusCode, len(text), err)
	}

	// An error is told where it can be; in the middle, the answer is cut off. Either is logged.
	if r, text, err := whole("early"); err != nil || r.StatusCode != 500 || !strings.Contains(text, "before anything") {
		t.Errorf("early: %d %q, %v", r.StatusCode, text, err)
	}
	if _, text, err := whole("fail"); !errors.Is(err, io.ErrUnexpectedEOF) || text != "begun" {
		t.Errorf("in the middle: %q, %v", text, err)
	}
	m.eventually("the exception is logged", func() error { return contains(m.cli("logs", app).stderr, "in the middle") })

	// Who goes away ends the handler's work, and the next request is answered.
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	r = m.ask(ctx, path, "endless")
	if _, err := io.ReadFull(r.Body, make([]byte, 5000)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(data, "endless")); err == nil {
		t.Error("it has ended by itself")
	}
	leave()
	m.eventually("the handler is told", func() error {
		_, err := os.Stat(filepath.Join(data, "endless"))
		return err
	})
	ctx = context.Background()
	if _, text, err := whole("head"); err != nil || text != "data: 1\n\n" {
		t.Errorf("afterwards: %q, %v", text, err)
	}
	// Who does not take parts gets all of it at once, up to what a message may have.
	if text := m.must("invoke", app, "--data", `"wait"`); !strings.Contains(text, "first second") {
		t.Errorf("invoked: %q", text)
	}
	if r := m.cli("invoke", app, "--data", `"large"`); r.status == 0 || !strings.Contains(r.stderr, "as a whole") {
		t.Errorf("invoked for more than fits: %+v", r)
	}
}
