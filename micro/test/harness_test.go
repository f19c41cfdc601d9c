package test

import (
	"bufio"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// scratch is removed when all tests have run.
var scratch string

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if scratch, err = os.MkdirTemp("", "fescue-micro"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// sanitised are the flags under which every fault of the C code ends the test.
var sanitised = []string{"-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"} //nolint:misspell // the compiler's spelling

// compile makes a program of the core and one harness, warnings being errors.
func compile(t testing.TB, harness string, flags ...string) string {
	t.Helper()
	core, err := filepath.Glob("../core/*.c")
	if err != nil || len(core) == 0 {
		t.Fatal("no sources in micro/core")
	}
	return compileFiles(t, append([]string{harness}, core...), flags...)
}

// compileFiles makes a program of some files; its name is the first one's.
func compileFiles(t testing.TB, files []string, flags ...string) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Fatal("these tests need a C compiler: make deps")
	}
	dir, err := os.MkdirTemp(scratch, "")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, strings.TrimSuffix(filepath.Base(files[0]), ".c"))
	args := append([]string{"-std=gnu99", "-Wall", "-Wextra", "-Werror", "-o", program}, flags...)
	args = append(args, files...)
	if out, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
		t.Fatalf("cc %s: %v\n%.4000s", strings.Join(args, " "), err, out)
	}
	return program
}

// machine is a running harness/vm.c.
type machine struct {
	t   testing.TB
	in  io.Writer
	out *bufio.Reader
}

func startMachine(t testing.TB, program string) *machine {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the virtual machine ended with: %v", err)
		}
	})
	return &machine{t: t, in: in, out: bufio.NewReaderSize(out, 1<<16)}
}

func (m *machine) answer() []string {
	m.t.Helper()
	line, err := m.out.ReadString('\n')
	if err != nil {
		m.t.Fatalf("the virtual machine is gone: %v", err)
	}
	return strings.Fields(line)
}

// load gives the first words of the answer: "ok", "refused 2", "trap 3".
func (m *machine) load(module []byte, memory int) string {
	m.t.Helper()
	fmt.Fprintf(m.in, "load %d %d\n%s", len(module), memory, module)
	words := m.answer()
	return strings.Join(words[:min(len(words), 2)], " ")
}

// call runs an export with the bits of its arguments.
func (m *machine) call(fuel uint32, name string, args ...uint64) []string {
	m.t.Helper()
	encoded := hex.EncodeToString([]byte(name))
	if encoded == "" {
		encoded = "-"
	}
	var line strings.Builder
	fmt.Fprintf(&line, "call %d %s", fuel, encoded)
	for _, a := range args {
		fmt.Fprintf(&line, " %x", a)
	}
	fmt.Fprintln(m.in, line.String())
	return m.answer()
}
