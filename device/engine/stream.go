package engine

import "sync"

// stream is a result on its way from the worker to who asked, piece by piece. It holds as much as the worker has credit
// for, and no more.
type stream struct {
	came chan struct{} // holds one: something has

	mu   sync.Mutex
	head []byte
	data []byte
}

func newStream() *stream { return &stream{came: make(chan struct{}, 1)} }

// add is called by the worker's reader.
func (s *stream) add(head bool, data []byte) {
	s.mu.Lock()
	if head {
		s.head = data
	} else if s.data == nil {
		s.data = data
	} else {
		s.data = append(s.data, data...)
	}
	s.mu.Unlock()
	select {
	case s.came <- struct{}{}:
	default: // it will be looked at
	}
}

func (s *stream) take() (head, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	head, data = s.head, s.data
	s.head, s.data = nil, nil
	return head, data
}

// pass gives what has come to who asked, which may wait, and lets the worker send as much again.
func (f *function) pass(c *call, s *stream, to func(head, data []byte) error) error {
	head, data := s.take()
	if head == nil && data == nil {
		return nil
	}
	if err := to(head, data); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.streams = true
	if c.slot != nil && c.slot.worker != nil && !c.over {
		c.slot.worker.session.More(c.id, len(data))
	}
	return nil
}
