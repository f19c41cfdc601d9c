package kept

import "time"

// Query asks for messages of the past.
type Query struct {
	Match       func(topic string) bool
	From, Until time.Time // zero: no bound; until is not included
	Limit       int
	Newest      bool // the newest where there are more than Limit, else the oldest
}

func (q Query) wants(m Message) bool {
	return !m.Time.Before(q.From) && (q.Until.IsZero() || m.Time.Before(q.Until)) && q.Match(m.Topic)
}

// found is where a message of the past lies.
type found struct {
	segment *segment
	offset  int64
	length  int64
}

// History gives visit the messages that q asks for, oldest first, until it
// returns false. No memory is taken for them but for their places.
func (l *Log) History(q Query, visit func(Message) bool) error {
	l.mu.Lock()
	var segments []segment
	for _, s := range l.segments {
		segments = append(segments, *s)
	}
	l.mu.Unlock()
	var all []found
	for n := range segments {
		s := &segments[n]
		if q.Newest {
			s = &segments[len(segments)-1-n]
		}
		here, err := l.search(s, q)
		if err != nil {
			l.complain("kept messages cannot be read", "file", s.path, "error", err)
		}
		if q.Newest {
			all = append(here, all...)
		} else {
			all = append(all, here...)
		}
		if len(all) >= q.Limit {
			break
		}
	}
	if q.Newest {
		all = all[max(0, len(all)-q.Limit):]
	} else {
		all = all[:min(len(all), q.Limit)]
	}
	return visitAll(all, visit)
}

func (l *Log) search(s *segment, q Query) (here []found, err error) {
	if s.newest.Before(q.From) && s.end > 0 {
		return nil, nil
	}
	last := int64(0)
	err = s.scan(0, s.end, func(next int64, m Message, _ string) bool {
		if q.wants(m) && l.young(m) {
			here = append(here, found{s, last, next - last})
		}
		last = next
		return q.Newest || len(here) < q.Limit
	})
	return here, err
}

func visitAll(all []found, visit func(Message) bool) error {
	for _, f := range all {
		goOn := true
		err := f.segment.scan(f.offset, f.offset+f.length, func(_ int64, m Message, _ string) bool {
			goOn = visit(m)
			return false
		})
		if err != nil || !goOn {
			return err
		}
	}
	return nil
}
