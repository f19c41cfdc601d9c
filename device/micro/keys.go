package micro

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/exchange/packet"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/spec"
)

// Keys are the enrolled boards: a directory with a folder for each, which holds
// its key and what is known of it.
type Keys struct{ Dir string }

const (
	keyFile   = "key"
	boardFile = "board.json"
)

// Enrol makes a board's key, and gives it in hexadecimal. It is fail.Conflict if
// there is such a board.
func (k Keys) Enrol(name spec.DeviceID) (string, error) {
	const op = "enrol microcontroller"
	if err := name.Validate(); err != nil {
		return "", fail.Wrap(err, fail.Invalid, op, string(name))
	}
	path := filepath.Join(k.Folder(name), keyFile)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fail.Wrap(err, fail.Internal, op, path)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return "", fail.New(fail.Conflict, op, "there is a board of that name").On(string(name)).
			WithHint("Its key is in %s. Remove the folder to enrol it anew; its firmware needs the new key then.", path)
	}
	if err != nil {
		return "", fail.Wrap(err, fail.Internal, op, path)
	}
	var key [packet.KeySize]byte
	_, _ = rand.Read(key[:]) // never fails (crypto/rand)
	text := hex.EncodeToString(key[:])
	_, err = f.WriteString(text + "\n")
	if err = errors.Join(err, f.Sync(), f.Close(), durable.SyncDir(k.Folder(name)), durable.SyncDir(k.Dir)); err != nil {
		return "", fail.Wrap(errors.Join(err, os.Remove(path)), fail.Internal, op, path)
	}
	return text, nil
}

// Folder is where a board's key and its agent's state are.
func (k Keys) Folder(name spec.DeviceID) string { return filepath.Join(k.Dir, string(name)) }

// List gives the keys of all boards. A folder without a readable key is none.
func (k Keys) List() []packet.Key {
	entries, err := os.ReadDir(k.Dir)
	if err != nil {
		return []packet.Key{} // nobody is enrolled
	}
	keys := []packet.Key{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(k.Dir, e.Name(), keyFile))
		if err != nil {
			continue
		}
		raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil || len(raw) != packet.KeySize {
			continue
		}
		key := packet.Key{Device: e.Name()}
		copy(key.Key[:], raw)
		keys = append(keys, key)
	}
	return keys
}

// remember keeps what a board said of itself, for the time when it is away.
func (k Keys) remember(name spec.DeviceID, f Facts) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return durable.Replace(filepath.Join(k.Folder(name), boardFile), data)
}

// recall gives what a board said last; ok is false if it was never here.
func (k Keys) recall(name spec.DeviceID) (f Facts, ok bool) {
	data, err := os.ReadFile(filepath.Join(k.Folder(name), boardFile))
	if err != nil || json.Unmarshal(data, &f) != nil {
		return Facts{}, false
	}
	return f, f.Platform != ""
}
