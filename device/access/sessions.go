package access

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"fescue.dev/fescue/internal/durable"
)

const (
	// maxSessions bounds the client ids that are remembered; programs that take a
	// new one each time fill it.
	maxSessions = 10_000
	// idle is after how long a client id is anybody's again.
	idle = 30 * 24 * time.Hour
	// savePause is the least time between two writings.
	savePause = 5 * time.Second
)

// sessions remembers which credential an MQTT client id belongs to. To MQTT the
// client id alone is the session: who could take another's would inherit its
// subscriptions and the messages that wait for it.
type sessions struct {
	file string
	log  *slog.Logger

	saving sync.Mutex // one writes the file

	mu      sync.Mutex
	owners  map[string]owner
	waiting bool
}

type owner struct {
	Credential string    `json:"credential"`
	Used       time.Time `json:"used"`
}

func openSessions(file string, log *slog.Logger) *sessions {
	s := &sessions{file: file, log: log, owners: map[string]owner{}}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &s.owners)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Error("the owners of MQTT client ids cannot be read: all are anybody's again", "file", file, "error", err)
		s.owners = map[string]owner{}
	}
	return s
}

// claim makes a client id the credential's; false if it is another's.
func (s *sessions) claim(id, credential string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	o, known := s.owners[id]
	if known && o.Credential != credential && now.Sub(o.Used) < idle {
		return false
	}
	if !known && len(s.owners) >= maxSessions {
		s.dropOldest()
	}
	fresh := !known || o.Credential != credential || now.Sub(o.Used) > time.Hour
	s.owners[id] = owner{credential, now}
	if fresh {
		s.save()
	}
	return true
}

func (s *sessions) dropOldest() {
	oldest, at := "", time.Now()
	for id, o := range s.owners {
		if o.Used.Before(at) {
			oldest, at = id, o.Used
		}
	}
	delete(s.owners, oldest)
}

// release makes a credential's client ids anybody's.
func (s *sessions) release(credential string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, o := range s.owners {
		if o.Credential == credential {
			delete(s.owners, id)
			s.save()
		}
	}
}

// save writes the file within a moment. mu is held.
func (s *sessions) save() {
	if s.waiting {
		return
	}
	s.waiting = true
	time.AfterFunc(savePause, func() {
		s.saving.Lock()
		defer s.saving.Unlock()
		s.mu.Lock()
		s.waiting = false
		text, err := json.Marshal(s.owners)
		s.mu.Unlock()
		if err == nil {
			err = durable.Replace(s.file, text)
		}
		if err != nil {
			s.log.Error("the owners of MQTT client ids cannot be saved", "file", s.file, "error", err)
		}
	})
}
