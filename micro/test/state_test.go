package test

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/client"
	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/spec"
)

// The state, with power cuts, on flash that is programmed by bytes and by words.
func TestFuzzState(t *testing.T) {
	for _, unit := range []string{"1", "8"} {
		t.Run(unit, func(t *testing.T) {
			t.Parallel()
			fuzz(t, "harness/fuzz_state.c", [][]byte{
				{0, 9, 1, 2, 9, 2, 4, 50, 3, 0, 40, 4, 0xb0, 0, 0}, {0, 50, 1, 0, 50, 2, 0, 50, 3, 0x40, 50, 100, 0x40, 50, 200, 0x80, 0, 0},
			}, "-DFUZZ_UNIT="+unit, "-DFESCUE_STATE=1")
		})
	}
}

// commands of modules/state.c, and what they tell: a code, or a length and a value.
var commands = []struct {
	command string
	code    int32
	value   string
}{
	{"i", -13, ""}, {"gnothing", -16, ""}, {"snothing=", 0, ""},
	{"sa/b=1", 0, ""}, {"ga/b", 1, "1"}, {"sa/b=22", 0, ""}, {"ga/b", 2, "22"}, {"sa=3", 0, ""}, {"ga/b", 2, "22"},
	{"sa/b=", 0, ""}, {"ga/b", -16, ""}, {"ga", 1, "3"},
	{"slong=" + strings.Repeat("x", 300), 0, ""}, {"glong", 300, strings.Repeat("x", 200)},
	{"s" + strings.Repeat("k", 256) + "=v", 0, ""}, {"g" + strings.Repeat("k", 256), 1, "v"},
	{"s" + strings.Repeat("k", 257) + "=v", -5, ""}, {"g" + strings.Repeat("k", 257), -5, ""},
	{"s=v", -5, ""}, {"g", -5, ""}, {"s$a=v", -5, ""}, {"sa$=v", 0, ""}, {"sa+=v", -5, ""}, {"sa/#=v", -5, ""}, {"sa\x01=v", -5, ""}, {"sa\x7f=v", -5, ""},
	{"s" + strings.Repeat("/", 31) + "=v", 0, ""}, {"s" + strings.Repeat("/", 32) + "=v", -5, ""},
	{"sgrün/€/𝄞=v", 0, ""}, {"ggrün/€/𝄞", 1, "v"}, {"sa\xff=v", -5, ""}, {"sa\xc3=v", -5, ""}, {"s\xc0\x80=v", -5, ""}, {"s\xed\xa0\x80=v", -5, ""},
	{"s\xc2\x85=v", -5, ""}, {"s\xf4\x90\x80\x80=v", -5, ""}, {"s\xe2\x82=v", -5, ""},
}

// One module, deployed to a Linux device and to a microcontroller behind it, finds the same
// state on both.
func TestStateIsTheSame(t *testing.T) {
	t.Parallel()
	f := newFescue(t)
	key := f.must("micro", "provision", "shed")
	line := filepath.Join(t.TempDir(), "line")
	f.up("--micro", "unix:"+line)
	agentProcess(t, compilePosix(t), filepath.Join(t.TempDir(), "flash"), nil, "--id", "shed", "--key", key, "unix:"+line)
	f.until("state", "get", "devices", "-o", "json")
	for device, platform := range map[string]string{"shed": "micro", "gateway": "linux"} {
		name := "on-" + platform
		dir := application(t, name, "1.0.0", "state", "")
		path := filepath.Join(dir, "fescue.yaml")
		text, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, []byte(strings.Replace(string(text), "platform: micro", "platform: "+platform, 1)), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.must("deploy", dir, "--device", device)
		for _, c := range commands {
			out, err := f.api().Invoke(t.Context(), spec.Name(name), []byte(c.command), client.InvokeOptions{Device: spec.DeviceID(device), Timeout: patience})
			if err != nil {
				t.Fatalf("%s, %q: %v", device, c.command, err)
			}
			if code := int32(binary.LittleEndian.Uint32(out)); code != c.code || string(out[4:]) != c.value {
				t.Errorf("%s, %q: %d, %q; want %d, %q", device, c.command, code, out[4:], c.code, c.value)
			}
		}
	}
}

// told calls modules/state.c.
func (b *bench) told(board *micro.Board, function spec.Name, command string) (int32, string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	out, err := board.Invoke(ctx, function, "", []byte(command), 5*time.Second)
	b.must(err)
	return int32(binary.LittleEndian.Uint32(out)), string(out[4:])
}

func (b *bench) tells(board *micro.Board, function spec.Name, command string, want int32) {
	b.t.Helper()
	if got, _ := b.told(board, function, command); got != want {
		b.t.Errorf("%s, %.20q: %d, want %d", function, command, got, want)
	}
}

// A function's state is its own, bounded, outlasts its versions and the device's starts, and
// goes with the function.
func TestState(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	flash, line := filepath.Join(t.TempDir(), "flash"), b.listen(plain)
	process := agentProcess(t, compilePosix(t), flash, nil, "unix:"+line)
	board := b.board()
	code := module(t, "state")
	for _, f := range []spec.Name{"f", "g"} {
		b.must(b.install(board, micro.Module{Function: f, Code: code}))
	}
	b.tells(board, "f", "sa=1", 0)
	b.tells(board, "g", "ga", -16)

	// Half of 4,096 bytes for each; what is too much leaves the old value.
	big := strings.Repeat("v", 500)
	for _, key := range []string{"1", "2", "3"} {
		b.tells(board, "f", "s"+key+"="+big, 0)
	}
	b.tells(board, "f", "s4="+big, -18)
	b.tells(board, "f", "g4", -16)
	b.tells(board, "g", "s4="+big, 0)
	for range 50 { // which fills the bank over and over
		b.tells(board, "f", "s1="+big[1:], 0)
		b.tells(board, "f", "s1="+big, 0)
	}
	b.tells(board, "f", "g3", 500)
	b.tells(board, "f", "s3=", 0)
	b.tells(board, "f", "s4="+big, 0)

	b.must(b.install(board, micro.Module{Function: "f", Code: code, Version: "2.0.0"}))
	_ = process.Process.Kill()
	agentProcess(t, compilePosix(t), flash, nil, "unix:"+line)
	board = b.board()
	b.tells(board, "f", "ga", 1)
	b.tells(board, "f", "g4", 500)
	b.tells(board, "f", "g3", -16)
	b.tells(board, "g", "g4", 500)

	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	b.must(board.Remove(ctx, "f"))
	b.must(b.install(board, micro.Module{Function: "f", Code: code, Version: "3.0.0"}))
	b.tells(board, "f", "ga", -16)
	b.tells(board, "g", "g4", 500)
}
