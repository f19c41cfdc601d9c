package exchange

import (
	"errors"
)

// directWrites is how many writes a publisher does for a subscriber before it
// leaves the rest to the subscriber's writer: one that reads fast must not keep
// the publisher's other subscribers waiting.
const directWrites = 4

// flush sends what waits, as far as the link takes it at once; the session's
// writer does the rest. It does not wait.
func (s *session) flush() {
	o := &s.out
	o.mu.Lock()
	o.dirty = false
	if o.writing || (o.empty() && !o.closing) || o.closed {
		o.mu.Unlock()
		return
	}
	o.writing = true
	o.mu.Unlock()
	if s.polled != nil {
		if err := s.polled.PollWrite(s.writeStep); err != nil {
			s.mute()
			return
		}
		if s.sent && s.giveUp() {
			s.finishIfClosing()
			return
		}
	}
	s.wake <- struct{}{} // never blocks: one token exists, whoever set writing has it
}

// writer sends what flush has left over. It owns writing while it does.
func (s *session) writer() {
	for {
		select {
		case <-s.wake:
			s.send()
			s.finishIfClosing()
		case <-s.done:
			return
		}
	}
}

func (s *session) finishIfClosing() {
	s.out.mu.Lock()
	over := s.out.closing && !s.out.writing && s.out.empty()
	s.out.mu.Unlock()
	if over {
		s.fail(nil)
	}
}

// stepWrite is flush's step for PollWrite: it never waits.
func (s *session) stepWrite(write Transfer) bool {
	s.sent = false
	for range directWrites {
		sent, again, err := s.writeOnce(write)
		if err != nil {
			s.mute()
			return true
		}
		if sent || again {
			s.sent = sent
			return true
		}
	}
	return true
}

// sendPolled sends until nothing waits, letting the poller wait for the link.
// The bytes to send are asked for anew after each wait, so that what is dropped
// meanwhile is not sent.
func (s *session) sendPolled() {
	err := s.polled.PollWrite(func(write Transfer) bool {
		for {
			sent, again, err := s.writeOnce(write)
			if err != nil {
				s.mute()
				return true
			}
			if again {
				return false
			}
			if sent && s.giveUp() {
				return true
			}
		}
	})
	if err != nil {
		s.mute()
	}
}

// mute gives up sending, after the link refused it. The reader goes on to the
// end: what a client sent before it went away is still served.
func (s *session) mute() {
	s.out.close()
	s.out.mu.Lock()
	leaving := s.goodbye != nil
	s.out.mu.Unlock()
	if leaving {
		s.fail(nil)
	}
}

// giveUp ends the right to write, unless something has come meanwhile.
func (s *session) giveUp() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	if !s.out.empty() {
		return false
	}
	s.out.writing = false
	return true
}

// writeOnce sends one piece. sent tells that nothing waits any more; the right
// to write is still the caller's.
func (s *session) writeOnce(write Transfer) (sent, again bool, err error) {
	o := &s.out
	o.mu.Lock()
	p := o.take()
	o.mu.Unlock()
	if p == nil {
		return true, false, nil
	}
	n, err := write(p)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done(n)
	if err != nil {
		return false, errors.Is(err, ErrAgain), notAgain(err)
	}
	return o.empty(), false, nil
}

func notAgain(err error) error {
	if errors.Is(err, ErrAgain) {
		return nil
	}
	return err
}

// sendBlocking is for links without a poller.
func (s *session) sendBlocking() {
	for {
		sent, _, err := s.writeOnce(s.conn.Write)
		if err != nil {
			s.mute()
			return
		}
		if sent && s.giveUp() {
			return
		}
	}
}

// push appends a whole frame that is not a message; true says that the caller
// has to flush.
func (s *session) push(frame []byte) bool {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing {
		return false
	}
	seg := o.begin(len(frame))
	seg.b = append(seg.b, frame...)
	return o.end(len(frame))
}

// tell pushes and flushes: for those who are not the session's reader.
func (s *session) tell(frame []byte) {
	s.push(frame)
	s.flush()
}
