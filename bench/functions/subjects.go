package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// subject is a runtime under measurement, with a function that gives back what it gets.
type subject struct {
	name          string
	configuration string
	limits        string            // further ones
	files         map[string]string // by name in the artifact
	build         []string          // run in the artifact's folder before it is deployed
	needs         string            // a program without which it is left out
}

const wasmEcho = `#define FESCUE(name) __attribute__((import_module("fescue"), import_name(#name))) extern
FESCUE(event) int fescue_event(void *to, unsigned size);
FESCUE(reply) int fescue_reply(const void *from, unsigned size);
static char buffer[8192];
__attribute__((export_name("handle"))) int handle(void) {
	return fescue_reply(buffer, fescue_event(buffer, sizeof buffer));
}
`

const cEcho = `#include <fescue.h>
static char in[FESCUE_BUFFER(1 << 20)], out[FESCUE_BUFFER(1 << 20)];
static void handle(fescue_client *c, const fescue_message *m, void *data) {
	(void)data;
	fescue_reply(c, m, m->payload.data, m->payload.size);
}
int main(void) {
	static fescue_client client;
	return fescue_serve(&client, in, sizeof in, out, sizeof out, handle, 0);
}
`

func subjects() []subject {
	return []subject{
		{
			name: "python", configuration: "runtime: python\nhandler: f.handle\n",
			files: map[string]string{"f.py": "def handle(event, context):\n    return event\n"},
		},
		{
			name: "python-bytes", configuration: "runtime: python\nhandler: f.handle\n",
			files: map[string]string{"f.py": "def handle(event, context):\n    return context.payload\n"},
		},
		{
			name: "node", configuration: "runtime: node\nhandler: f.handle\nworkers: {concurrency: 16}\n", needs: "node", limits: "concurrency: 16",
			files: map[string]string{"f.js": "exports.handle = (event) => event;\n"},
		},
		{
			name: "java", configuration: "runtime: java\nhandler: F::handle\ncommands: [{run: javac -d . F.java, wait: true}]\nworkers: {concurrency: 16}\n", needs: "javac", limits: "concurrency: 16, memory: 512MiB",
			files: map[string]string{"F.java": "public final class F { public static byte[] handle(byte[] event, dev.fescue.Context context) { return event; } }\n"},
		},
		{
			name: "cpp", configuration: "runtime: cpp\nhandler: f\ncommands: [{run: cc -O2 -o f f.c -lfescue, wait: true}]\n", needs: "cc",
			files: map[string]string{"f.c": cEcho},
		},
		{
			name: "native", configuration: "runtime: native\nhandler: f\nworkers: {concurrency: 16}\n", needs: "go", limits: "concurrency: 16",
			build: []string{"go", "build", "-o", "f"},
		},
		{
			name: "native-event", configuration: "runtime: native\nhandler: f.sh\nperEvent: true\n",
			files: map[string]string{"f.sh": "#!/bin/sh\nexec cat\n"},
		},
		{
			name: "wasm", configuration: "runtime: wasm\nhandler: f.wasm:handle\nworkers: {concurrency: 16}\n", needs: "clang", limits: "concurrency: 16",
			files: map[string]string{"f.c": wasmEcho},
			build: []string{"clang", "--target=wasm32", "-O2", "-nostdlib", "-Wl,--no-entry", "-o", "f.wasm", "f.c"},
		},
	}
}

func names() []string {
	var all []string
	for _, s := range subjects() {
		all = append(all, s.name)
	}
	return all
}

// missing tells why it cannot be measured here, or "".
func (s subject) missing() string {
	if s.needs == "" {
		return ""
	}
	if _, err := exec.LookPath(s.needs); err != nil {
		return "left out: this machine has no " + s.needs
	}
	return ""
}

// artifact makes the application's folder.
func (s subject) artifact(name, more string) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "ff"); err != nil {
		return "", err
	}
	limits := s.limits
	if limits == "" {
		limits = "concurrency: 2" // as many processes as the orientation machine has processors
	}
	text := fmt.Sprintf("name: %s\nversion: 1.0.0\n%slimits: {%s}\n%s", name, s.configuration, limits, more)
	if err := os.WriteFile(filepath.Join(dir, "fescue.yaml"), []byte(text), 0o644); err != nil {
		return dir, err
	}
	for file, text := range s.files {
		mode := os.FileMode(0o644)
		if filepath.Ext(file) == ".sh" {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), mode); err != nil {
			return dir, err
		}
	}
	if len(s.build) == 0 {
		return dir, nil
	}
	argv := s.build
	if argv[0] == "go" { // a program of this module
		argv = []string{"go", "build", "-o", filepath.Join(dir, "f"), "./bench/functions/echo"}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if argv[0] != "go" {
		cmd.Dir = dir
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%v: %w\n%s", argv, err, out)
	}
	return dir, nil
}
