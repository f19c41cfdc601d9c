package mqueue

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// size is a queue's: messages, and bytes of each.
type size struct{ count, bytes int }

// attributes are the kernel's struct mq_attr.
type attributes struct {
	flags, maxmsg, msgsize, curmsgs int
	_                               [4]int
}

// queue is a descriptor of a message queue. The system calls are made raw:
// Go's library has none for queues, and there is no C library to ask.
type queue int

const errorNameTaken = unix.EEXIST

// pair makes a queue and opens it twice, once for this process without
// blocking, once for the client, blocking; then takes its name away.
func pair(s size, mine, theirs int) (queue, queue, error) {
	for {
		name := "fescue-" + strings.ToLower(rand.Text())
		a, err := open(name, mine|unix.O_CREAT|unix.O_EXCL|unix.O_NONBLOCK, s)
		if errors.Is(err, errorNameTaken) {
			continue
		}
		if err != nil {
			return -1, -1, err
		}
		b, err := open(name, theirs, s)
		err = errors.Join(err, unlink(name))
		if err != nil {
			a.close()
			if b >= 0 {
				b.close()
			}
			return -1, -1, err
		}
		return a, b, nil
	}
}

func open(name string, flags int, s size) (queue, error) {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return -1, err
	}
	attr := attributes{maxmsg: s.count, msgsize: s.bytes}
	fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(path)),
		uintptr(flags|unix.O_CLOEXEC), 0o600, uintptr(unsafe.Pointer(&attr)), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return queue(fd), nil
}

func unlink(name string) error {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(path)), 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func (q queue) close() { _ = unix.Close(int(q)) }

// send sends one message; until is when to give up on a blocking descriptor,
// nil never.
func (q queue) send(p []byte, until *unix.Timespec) error {
	_, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDSEND, uintptr(q), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)), 0, uintptr(unsafe.Pointer(until)), 0)
	return errorOf(errno)
}

// receive receives one message into p, which must have room for the largest.
func (q queue) receive(p []byte, until *unix.Timespec) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDRECEIVE, uintptr(q), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)), 0, uintptr(unsafe.Pointer(until)), 0)
	return received(n, errno)
}

// sendNow and receiveNow are for descriptors that do not block. The calls are over at
// once, and Go's scheduler need not hear of them: it would hand the processor on to another
// thread when the woken client runs before they return.
func (q queue) sendNow(p []byte) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_MQ_TIMEDSEND, uintptr(q), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
	return errorOf(errno)
}

func (q queue) receiveNow(p []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_MQ_TIMEDRECEIVE, uintptr(q), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
	return received(n, errno)
}

func received(n uintptr, errno unix.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func errorOf(errno unix.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}

// after is a time from now, as the system calls want it.
func after(d time.Duration) *unix.Timespec {
	t := unix.NsecToTimespec(time.Now().Add(d).UnixNano())
	return &t
}

// ceiling is what the system allows of one queue without privilege.
func ceiling() size {
	read := func(name string, otherwise int) int {
		text, err := os.ReadFile("/proc/sys/fs/mqueue/" + name)
		if err != nil {
			return otherwise
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return otherwise
		}
		return n
	}
	return size{read("msg_max", 10), read("msgsize_max", 8192)}
}

func (s size) String() string { return fmt.Sprintf("%d messages of %d bytes", s.count, s.bytes) }

// cost is what the kernel charges for a queue: the messages, and its own
// bookkeeping for each, at most.
func (s size) cost() int64 { return int64(s.count) * int64(s.bytes+128) }
