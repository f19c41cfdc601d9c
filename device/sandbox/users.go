package sandbox

import (
	"encoding/json"
	"errors"
	"hash/fnv"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/spec"
)

// users gives each application a user id of its own and keeps it for ever, also
// after the application is gone: files of the old must not become the new one's.
type users struct {
	path        string
	salt        string
	first, last int

	mu     sync.Mutex
	byName map[spec.Name]int
}

func openUsers(state, salt string, first, last int) (*users, error) {
	if first <= 0 || last < first {
		return nil, fail.New(fail.Invalid, "open sandbox", "user ids %d to %d are no range", first, last)
	}
	u := &users{path: filepath.Join(state, "users.json"), salt: salt, first: first, last: last, byName: map[spec.Name]int{}}
	text, err := os.ReadFile(u.path)
	if errors.Is(err, fs.ErrNotExist) {
		return u, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &u.byName)
	}
	if err != nil {
		return nil, fail.New(fail.Internal, "read users", "%w", err).On(u.path).
			WithHint("The file names the user id of each application: restore it from a backup. Without it applications lose their data directories' ownership.")
	}
	return u, nil
}

// UserFor is the application's user and group: the same for ever, of no other
// application. An agent that is not root gives its own.
func (s *Sandbox) UserFor(name spec.Name) (uid, gid int, err error) {
	if os.Geteuid() != 0 {
		return os.Geteuid(), os.Getegid(), nil
	}
	uid, err = s.users.get(name)
	return uid, uid, err
}

func (u *users) get(name spec.Name) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if uid, ok := u.byName[name]; ok {
		return uid, nil
	}
	uid, err := u.choose(name)
	if err != nil {
		return 0, err
	}
	u.byName[name] = uid
	text, err := json.MarshalIndent(u.byName, "", "  ")
	if err == nil {
		err = fail.Wrap(durable.Replace(u.path, text), fail.Exhausted, "write", u.path)
	}
	if err != nil {
		delete(u.byName, name)
		return 0, err
	}
	return uid, nil
}

// choose begins at a place that hangs on the installation and the name, so that
// two agents on one machine hardly meet, and takes the first id that is neither
// given nor known to the device's user database.
func (u *users) choose(name spec.Name) (int, error) {
	taken := map[int]bool{}
	for _, uid := range u.byName {
		taken[uid] = true
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(u.salt + "/" + string(name))) // a hash never fails
	n := u.last - u.first + 1
	for i := range n {
		uid := u.first + (int(h.Sum32()%uint32(n))+i)%n
		if taken[uid] {
			continue
		}
		if _, err := user.LookupId(strconv.Itoa(uid)); err == nil {
			continue
		}
		return uid, nil
	}
	return 0, fail.New(fail.Exhausted, "choose user", "all user ids from %d to %d are given", u.first, u.last).On(string(name)).
		WithHint("Widen the range of user ids for applications in the agent's configuration.")
}
