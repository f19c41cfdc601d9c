package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// The topics: from the side that asks, and back.
const (
	there = "bench/there"
	back  = "bench/back"
)

// answerBit, set in a message's number, has it sent back.
const answerBit = 1 << 63

// mostWindows is how many windows may be unanswered.
const mostWindows = 4

// link is how a side in Go sends and receives.
type link interface {
	send(message []byte) error // now, or together with the next ones
	flush() error
	next() ([]byte, error) // waits; good until the next call
	// window is how many bytes may be under way before the asking side waits for an
	// answer; 0 where the link itself holds a publisher back.
	window() int
}

// side plays one of the two roles. Both are the same program in every language (see
// clients): "ask SIZE" and "answer SIZE", with the environment of an application. Messages are numbered from
// 0; the number is in their first and in their last 8 bytes, little-endian, and byte i between is i mod
// 251. The answering side verifies each message and sends back those with answerBit. The asking one
// obeys "trips N", N round trips one after the other, answered with the median and the 99th percentile in
// nanoseconds, and "flow N", N messages of which the last is to be answered, answered with the time that took.
type side struct {
	link link
	made []byte
	n    uint64
}

func newSide(l link, size int) *side {
	s := &side{link: l, made: make([]byte, size)}
	for i := range s.made {
		s.made[i] = byte(i % 251)
	}
	return s
}

// message is good until the next call.
func (s *side) message(n uint64) []byte {
	binary.LittleEndian.PutUint64(s.made, n)
	binary.LittleEndian.PutUint64(s.made[len(s.made)-8:], n)
	return s.made
}

// expect waits for message n and verifies all of it.
func (s *side) expect(n uint64) (payload []byte, answer bool, err error) {
	if payload, err = s.link.next(); err != nil {
		return nil, false, err
	}
	answer = len(payload) == len(s.made) && payload[7] >= 0x80
	want := n
	if answer {
		want |= answerBit
	}
	if !bytes.Equal(payload, s.message(want)) {
		return nil, false, fmt.Errorf("message %d of %d bytes arrived as %x…", n, len(s.made), payload[:min(len(payload), 16)])
	}
	return payload, answer, nil
}

// answers plays the answering role, until the link ends.
func (s *side) answers() error {
	for n := uint64(0); ; n++ {
		payload, answer, err := s.expect(n)
		if err == nil && answer {
			err = errors.Join(s.link.send(payload), s.link.flush())
		}
		if err != nil {
			return err
		}
	}
}

// asks plays the asking role, until there are no more tasks.
func (s *side) asks(in io.Reader, out io.Writer) error {
	tasks := bufio.NewScanner(in)
	for tasks.Scan() {
		var task string
		var n int
		if _, err := fmt.Sscan(tasks.Text(), &task, &n); err != nil {
			return err
		}
		var result string
		var err error
		if task == "trips" {
			result, err = s.trips(n)
		} else {
			result, err = s.flow(n)
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(out, result)
	}
	return tasks.Err()
}

func (s *side) trips(count int) (string, error) {
	times := make([]time.Duration, count)
	for i := range times {
		begin := time.Now()
		if err := errors.Join(s.link.send(s.message(s.n|answerBit)), s.link.flush()); err != nil {
			return "", err
		}
		if _, _, err := s.expect(s.n); err != nil {
			return "", err
		}
		times[i] = time.Since(begin)
		s.n++
	}
	slices.Sort(times)
	return fmt.Sprint(times[count/2].Nanoseconds(), times[count*99/100].Nanoseconds()), nil
}

func (s *side) flow(count int) (string, error) {
	window := uint64(s.link.window()/len(s.made) + 1)
	var asked []uint64
	begin := time.Now()
	for end := s.n + uint64(count); s.n < end; s.n++ {
		due := s.n+1 == end || s.link.window() > 0 && (end-s.n)%window == 0
		if !due {
			if err := s.link.send(s.message(s.n)); err != nil {
				return "", err
			}
			continue
		}
		asked = append(asked, s.n)
		if err := errors.Join(s.link.send(s.message(s.n|answerBit)), s.link.flush()); err != nil {
			return "", err
		}
		for len(asked) >= mostWindows || s.n+1 == end && len(asked) > 0 {
			if _, _, err := s.expect(asked[0]); err != nil {
				return "", err
			}
			asked = asked[1:]
		}
	}
	return fmt.Sprint(time.Since(begin).Nanoseconds()), nil
}

// playSide plays a role over a link that is there.
func playSide(l link, role string, size int) error {
	s := newSide(l, size)
	fmt.Println("ready")
	if role == "answer" {
		return s.answers()
	}
	return s.asks(os.Stdin, os.Stdout)
}
