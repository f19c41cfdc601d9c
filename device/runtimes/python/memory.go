package python

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// memory keeps what programs answered about themselves, also beyond the agent's
// life: each question costs a start of Python, some 30 ms on a large machine and
// half a second on a small one. An answer holds for as long as the program's file
// is the same.
type memory struct {
	path     string
	answered map[string]remembered // by program
}

type remembered struct {
	Target   string // what the program is a link to
	Modified time.Time
	Size     int64
	Answer   answer
}

const memoryFile = "interpreters.json"

// openMemory reads what is known. A file that cannot be read is one that knows nothing.
func openMemory(dir string) *memory {
	m := &memory{path: filepath.Join(dir, memoryFile), answered: map[string]remembered{}}
	if text, err := os.ReadFile(m.path); err == nil {
		_ = json.Unmarshal(text, &m.answered)
	}
	if m.answered == nil {
		m.answered = map[string]remembered{}
	}
	return m
}

// ask is the program's answer, remembered or new.
func (m *memory) ask(ctx context.Context, program string) (interpreter, error) {
	now, err := m.fingerprint(program)
	if err != nil {
		return interpreter{}, err
	}
	if before, ok := m.answered[program]; ok && before.Target == now.Target && before.Modified.Equal(now.Modified) && before.Size == now.Size {
		return before.Answer.interpreter(), nil
	}
	if now.Answer, err = ask(ctx, program); err != nil {
		return interpreter{}, err
	}
	m.answered[program] = now
	m.save()
	return now.Answer.interpreter(), nil
}

// forget has the next question asked anew.
func (m *memory) forget(path string) {
	for program, r := range m.answered {
		if r.Answer.Path == path {
			delete(m.answered, program)
		}
	}
}

func (m *memory) fingerprint(program string) (remembered, error) {
	target, err := filepath.EvalSymlinks(program)
	if err != nil {
		return remembered{}, err
	}
	info, err := os.Stat(target)
	if err != nil {
		return remembered{}, err
	}
	return remembered{Target: target, Modified: info.ModTime(), Size: info.Size()}, nil
}

// save writes aside and renames. What is not saved is asked again; it need not be synced.
func (m *memory) save() {
	text, err := json.Marshal(m.answered)
	if err == nil && os.WriteFile(m.path+".new", text, 0o600) == nil {
		_ = os.Rename(m.path+".new", m.path)
	}
}
