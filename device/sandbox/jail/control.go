package jail

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// control is the helper's end of the socket to the agent.
type control struct{ file *os.File }

func openControl() (*control, error) {
	if err := unix.SetNonblock(ControlFD, true); err != nil {
		return nil, err
	}
	unix.CloseOnExec(ControlFD)
	return &control{os.NewFile(ControlFD, "control")}, nil
}

// takeFiles waits for the plan, and puts it and the program's descriptors where they belong: the
// numbers are taken by /dev/null until then, so that nothing else has them.
func (c *control) takeFiles() error {
	got, err := receive(c.file)
	if err != nil {
		return err
	}
	if got.kind != CommandPlan || len(got.files) < 4 || len(got.files) > 4+MaxFiles {
		return unix.EINVAL
	}
	for i, fd := range got.files {
		at, flags := i-1, 0 // 0, 1 and 2
		switch {
		case i == 0:
			at, flags = PlanFD, unix.O_CLOEXEC
		case i > 3:
			at, flags = FilesFD+i-4, unix.O_CLOEXEC
		}
		if err := unix.Dup3(fd, at, flags); err != nil {
			return err
		}
		_ = unix.Close(fd)
	}
	return nil
}

// send tells the agent m. The pid goes as credentials too, which the kernel
// translates into the agent's PID namespace; without namespaces there may be no
// right to that, nor a need. An agent that is gone is not told.
func (c *control) send(m Message) {
	var rights []byte
	if m.Pid != 0 {
		rights = unix.UnixCredentials(&unix.Ucred{Pid: int32(m.Pid), Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())})
	}
	c.sendWith(m, rights)
}

func (c *control) sendWith(m Message, rights []byte) {
	text, err := json.Marshal(m)
	if err != nil {
		return // a Message always marshals
	}
	if err := unix.Sendmsg(ControlFD, text, rights, nil, unix.MSG_NOSIGNAL); err != nil && rights != nil {
		_ = unix.Sendmsg(ControlFD, text, nil, nil, unix.MSG_NOSIGNAL)
	}
}

// fail reports err and is the status to exit with.
func (c *control) fail(err error) int {
	c.send(Message{Failure: failureOf(err)})
	return 125
}

// command is what the agent sends.
type command struct {
	kind   byte
	number uint32 // of a fork
	files  []int
}

// commands passes on what the agent sends; the channel is closed when the agent
// is gone.
func (c *control) commands() <-chan command {
	commands := make(chan command, 4)
	go func() {
		defer close(commands)
		for {
			got, err := receive(c.file)
			if err != nil {
				return
			}
			commands <- got
		}
	}()
	return commands
}

// receive waits for a command.
func receive(f *os.File) (got command, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return got, err
	}
	text, rights := make([]byte, 16), make([]byte, unix.CmsgSpace(4*(4+MaxFiles)))
	var n, length int
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		n, length, _, _, failed = unix.Recvmsg(int(fd), text, rights, unix.MSG_CMSG_CLOEXEC)
		return failed != unix.EAGAIN && failed != unix.EINTR
	})
	if err = errors.Join(err, failed); err != nil || n == 0 {
		return got, errors.Join(err, io.EOF)
	}
	got.kind = text[0]
	if n >= 5 {
		got.number = binary.LittleEndian.Uint32(text[1:])
	}
	messages, err := unix.ParseSocketControlMessage(rights[:length])
	for i := range messages {
		if fds, err := unix.ParseUnixRights(&messages[i]); err == nil {
			got.files = append(got.files, fds...)
		}
	}
	return got, err
}
