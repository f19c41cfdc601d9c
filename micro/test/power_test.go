package test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// mortal is the agent on a flash, whose power goes after some units were programmed.
type mortal struct {
	*bench
	program, flash, line string
	gone                 chan error // the process's end
	kill                 func()
	board                *micro.Board
	counted, tried       uint32 // calls of g: the last number that it told, and those since
}

// start gives false if the power goes before there is a session.
func (m *mortal) start(cut int) bool {
	m.t.Helper()
	cmd := exec.Command(m.program, "--id", "board-1", "--flash", m.flash, "unix:"+m.line)
	if cut >= 0 {
		cmd.Env = append(os.Environ(), fmt.Sprint("FESCUE_MICRO_POWER_CUT=", cut))
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.kill = func() { _ = cmd.Process.Kill(); <-m.gone }
	m.gone = make(chan error, 1)
	go func() { m.gone <- cmd.Wait() }()
	m.t.Cleanup(func() { _ = cmd.Process.Kill() })
	for deadline := time.After(patience); ; {
		select {
		case m.board = <-m.boards:
			select {
			case <-m.board.Ready():
				return true
			case <-m.board.Done(): // perhaps of the process before
			case <-deadline:
				m.t.Fatal("the board does not become ready")
			}
		case err := <-m.gone:
			m.gone <- err
			return false
		case <-deadline:
			m.t.Fatal("no board comes")
		}
	}
}

// ended waits for the process, which must have been cut off, not crashed.
func (m *mortal) ended() {
	m.t.Helper()
	select {
	case err := <-m.gone:
		if err == nil || err.Error() != "exit status 9" {
			m.t.Fatalf("the agent ended with %v, not by the power", err)
		}
	case <-time.After(patience):
		m.t.Fatal("the power does not go")
	}
}

// call gives ok = false when the power went.
func (m *mortal) call(function spec.Name, payload string) (reply string, ok bool) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.ctx, patience)
	defer cancel()
	out, err := m.board.Invoke(ctx, function, "", []byte(payload), 5*time.Second)
	if fail.Is(err, fail.Unavailable) {
		return "", false
	}
	if err != nil {
		m.t.Fatalf("%s was lost: %v", function, err)
	}
	return string(out), true
}

// The power goes at random moments of starts, updates and first calls, over and over on
// one flash: a function that was committed, or proven, is never lost, and neither is state
// that was acknowledged. FESCUE_MICRO_CUTS sets how often.
func TestPowerCuts(t *testing.T) {
	trials := 200
	if n, err := strconv.Atoi(os.Getenv("FESCUE_MICRO_CUTS")); err == nil {
		trials = n
	}
	b := newBench(t)
	m := &mortal{bench: b, program: compilePosix(t), flash: filepath.Join(t.TempDir(), "flash"), line: b.listen(plain)}
	random := rand.New(rand.NewPCG(7, uint64(trials)))
	versions := map[string][]byte{"ab": module(t, "echo"), "abab": module(t, "twice")}
	m.start(-1)
	for f, code := range map[spec.Name][]byte{"f": versions["ab"], "g": module(t, "tally")} {
		b.must(b.install(m.board, micro.Module{Function: f, Code: code}))
	}
	m.check("ab", "ab")
	m.kill()
	current, other := "ab", "" // what f answers; what it may answer, too
	updates := 0
	for range trials {
		alive := m.start(random.IntN(1500))
		if alive {
			var answer string
			if answer, alive = m.check(current, other); alive {
				current, other = answer, ""
			}
		}
		for alive {
			other = map[string]string{"ab": "abab", "abab": "ab"}[current]
			code := padded(versions[other], 300+random.IntN(900))
			if err := b.install(m.board, micro.Module{Code: code, Version: "2.0.0"}); fail.Is(err, fail.Unavailable) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if _, alive = m.check(other, other); alive {
				current, other = other, ""
				updates++
			}
		}
		m.ended()
	}
	if !m.start(-1) {
		t.Fatal("the board does not start")
	}
	if _, alive := m.check(current, other); !alive {
		t.Fatal("the board went away")
	}
	t.Logf("%d power cuts, %d updates that went through, %d changes of state", trials, updates, m.counted)
}

// check calls both functions: f answers one of two, g counts on. It gives alive = false when
// the power went.
func (m *mortal) check(one, two string) (answer string, alive bool) {
	m.t.Helper()
	if answer, alive = m.call("f", "ab"); !alive {
		return one, false
	}
	if answer != one && answer != two || answer == "" {
		m.t.Fatalf("f answers %q, neither %q nor %q", answer, one, two)
	}
	m.tried++
	if reply, alive := m.call("g", "ab"); alive {
		n := binary.LittleEndian.Uint32([]byte(reply))
		if n <= m.counted || n > m.counted+m.tried {
			m.t.Fatalf("g has counted to %d; it was at %d, and was called %d times since", n, m.counted, m.tried)
		}
		m.counted, m.tried = n, 0
	}
	// When it answers this, it has noted that the version has proven itself.
	ctx, cancel := context.WithTimeout(m.ctx, patience)
	defer cancel()
	return answer, m.board.Ping(ctx, 0) == nil
}
