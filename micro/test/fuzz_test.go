package test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"fescue.dev/fescue/exchange/wire"
)

// fuzzRuns is how many inputs each fuzzer tries here; FESCUE_MICRO_FUZZ asks for more.
func fuzzRuns() int {
	if n, err := strconv.Atoi(os.Getenv("FESCUE_MICRO_FUZZ")); err == nil {
		return n
	}
	return 30000
}

// fuzz compiles a harness with libFuzzer and runs it on seeds; a fault of the C code
// ends it.
func fuzz(t *testing.T, harness string, seeds [][]byte, flags ...string) {
	fuzzTimes(t, fuzzRuns(), harness, seeds, flags...)
}

func fuzzTimes(t *testing.T, runs int, harness string, seeds [][]byte, flags ...string) {
	core, err := filepath.Glob("../core/*.c")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program, corpus := filepath.Join(dir, "fuzz"), filepath.Join(dir, "corpus")
	args := append([]string{"-std=gnu99", "-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-o", program, harness}, core...)
	args = append(args, flags...)
	if out, err := exec.Command("clang", args...).CombinedOutput(); err != nil {
		t.Fatalf("clang (make micro-deps installs it): %v\n%.3000s", err, out)
	}
	if err := os.Mkdir(corpus, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, s := range seeds {
		if err := os.WriteFile(filepath.Join(corpus, fmt.Sprint("seed", i)), s, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "-seed=1", "-max_len=2048", "-runs="+strconv.Itoa(runs), "-artifact_prefix="+dir+"/", corpus)
	if out, err := cmd.CombinedOutput(); err != nil {
		found, _ := filepath.Glob(filepath.Join(dir, "crash-*"))
		for _, f := range found {
			data, _ := os.ReadFile(f) // for the message alone
			t.Logf("input: %x", data)
		}
		t.Fatalf("%v\n%.6000s", err, out)
	}
}

func TestFuzzMachine(t *testing.T) {
	var seeds [][]byte
	for _, name := range []string{"echo", "twice", "loop", "wild", "roots"} {
		seeds = append(seeds, module(t, name))
	}
	fuzz(t, "harness/fuzz_vm.c", seeds)
}

func TestFuzzAgent(t *testing.T) {
	wrap := func(frames []byte) (out []byte) {
		out = []byte{0xfe, 0} // the session opens
		for len(frames) > 0 {
			n := min(len(frames), 63)
			out = append(append(out, 0xfe, byte(n)), frames[:n]...)
			frames = frames[n:]
		}
		return out
	}
	welcome := wire.AppendWelcome(nil, wire.WelcomeBody{Version: 1, MaxBody: 1024})
	offer := wire.AppendOffer(welcome[:len(welcome):len(welcome)], 1, wire.OfferBody{Size: 40, Function: []byte("f"), Version: []byte("1"), Settings: []byte("publish=a/#")})
	fuzz(t, "harness/fuzz_agent.c", [][]byte{
		wrap(welcome), wrap(wire.AppendChunk(offer, 1, 0, make([]byte, 40))), wrap(wire.AppendPlain(welcome, wire.List, 2, "")),
		wrap(wire.AppendInvoke(welcome, 3, 100, []wire.Attribute{{Name: "function", Value: "f"}}, []byte("x"))), []byte("~AQID\n"),
	})
}

// Signatures take longer than the rest, so there are fewer.
func TestFuzzSignatures(t *testing.T) {
	var seeds [][]byte
	for _, v := range rfc8032 {
		seeds = append(seeds, append(append(unhex(t, v.key), unhex(t, v.signature)...), unhex(t, v.message)...))
	}
	fuzzTimes(t, fuzzRuns()/100, "harness/fuzz_ed25519.c", seeds[1:], "-O2", "-DFESCUE_SIGNATURES=1")
}

// The slots, with power cuts.
func TestFuzzSlots(t *testing.T) {
	fuzz(t, "harness/fuzz_slots.c", [][]byte{
		{0, 70, 1, 0, 1, 0, 2, 0, 3, 0}, {0, 70, 1, 0, 1, 0, 2, 0, 0, 73, 5, 40, 1, 0, 1, 0, 2, 0, 3, 1},
		{0, 10, 1, 0, 2, 0, 5, 90, 0, 13, 1, 0, 2, 0, 4, 0},
	})
}

// The text-safe mode: the bytes are lines of a console, among them packets.
func TestFuzzText(t *testing.T) {
	line := func(packet []byte) []byte {
		packet = binary.LittleEndian.AppendUint32(packet, crc32.ChecksumIEEE(packet))
		return []byte("boot\r\n~" + base64.RawStdEncoding.EncodeToString(packet) + "\n")
	}
	opened := line([]byte{2, 0, 0, 1, 1, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	data := line(append([]byte{3, 0, 1}, wire.AppendWelcome(nil, wire.WelcomeBody{Version: 1, MaxBody: 1024})...))
	fuzz(t, "harness/fuzz_agent.c", [][]byte{opened, append(opened[:len(opened):len(opened)], data...)}, "-DFUZZ_LINE=FESCUE_TEXT")
}
