package kept

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fescue.dev/fescue/exchange/disk"
	"fescue.dev/fescue/fail"
)

const (
	placeSuffix = ".place"
	// unused is after how long a place that nobody consumes from is removed.
	unused = 30 * 24 * time.Hour
)

func placesDir(dir string) string { return filepath.Join(dir, "places") }

// saved is a place's file.
type saved struct {
	Filter string          `json:"filter"`
	Next   uint64          `json:"next"`
	Open   map[uint64]int  `json:"open,omitempty"`  // sequence → attempts
	Dying  map[uint64]bool `json:"dying,omitempty"` // rejected, not yet at the dead letter topic
}

func (p *Place) path() string { return filepath.Join(placesDir(p.log.dir), p.name+placeSuffix) }

// save writes the place's file anew, synced.
func (p *Place) save() error {
	p.mu.Lock()
	s := saved{Filter: p.opt.Filter, Next: p.next(), Open: map[uint64]int{}, Dying: map[uint64]bool{}}
	for n, i := range p.open {
		s.Open[n] = i.attempt
		if i.dying {
			s.Dying[n] = true
		}
	}
	p.dirty, p.saved = false, time.Now()
	gone := p.gone
	p.mu.Unlock()
	if gone {
		return nil
	}
	text, err := json.Marshal(s)
	if err == nil {
		err = disk.Replace(p.path(), text)
	}
	if err != nil {
		p.mu.Lock()
		p.dirty = true
		p.mu.Unlock()
	}
	return fail.Wrap(err, fail.Exhausted, "save place", p.path())
}

func (p *Place) erase() {
	if err := os.Remove(p.path()); err != nil && !notThere(err) {
		p.log.complain("cannot remove a place", "place", p.name, "error", err)
	}
}

// close ends the deliveries and saves.
func (p *Place) close() error {
	p.mu.Lock()
	running := p.running
	p.running, p.closed = false, true
	p.mu.Unlock()
	if running {
		close(p.stop)
		<-p.done
	}
	p.mu.Lock()
	dirty := p.dirty
	p.mu.Unlock()
	if dirty {
		return p.save()
	}
	return nil
}

// loadPlaces finds the places that were saved. One that cannot be read begins
// with the oldest message: better twice than never.
func (l *Log) loadPlaces() error {
	entries, err := os.ReadDir(placesDir(l.dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, isPlace := strings.CutSuffix(e.Name(), placeSuffix)
		path := filepath.Join(placesDir(l.dir), e.Name())
		info, err := e.Info()
		if !isPlace || err != nil || time.Since(info.ModTime()) > unused {
			if err := os.Remove(path); err != nil && !notThere(err) {
				return err
			}
			continue
		}
		p := newPlace(l, name)
		if err := p.load(path); err != nil {
			l.complain("a place cannot be read, its messages come again", "file", path, "error", err)
			p.cursor.next = l.segments[0].first
		}
		l.places[name] = p
	}
	return nil
}

func (p *Place) load(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var s saved
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if s.Next == 0 {
		return errors.New("it names no message")
	}
	p.opt.Filter = s.Filter
	// Numbers that were given and never synced are given again after a crash.
	p.cursor.next = min(s.Next, p.log.synced+1)
	for n, attempt := range s.Open {
		p.open[n] = &item{attempt: attempt, dying: s.Dying[n]}
		p.ready = append(p.ready, n)
	}
	slices.Sort(p.ready)
	return nil
}
