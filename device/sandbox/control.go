package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/device/sandbox/jail"
)

// control is the agent's end of the socket to a helper. Waiting on it costs no thread.
type control struct {
	file   *os.File
	handed []*os.File // descriptors that came with messages
}

// maxDoors bounds the descriptors that come with one message.
const maxDoors = 64

// newControl makes the socket; theirs is for the helper alone, so that each side
// notices the other's end.
func newControl() (ours *control, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	theirs = os.NewFile(uintptr(fds[1]), "control")
	err = unix.SetsockoptInt(fds[0], unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	if err == nil {
		err = unix.SetNonblock(fds[0], true)
	}
	ours = &control{file: os.NewFile(uintptr(fds[0]), "control")}
	if err != nil {
		ours.close()
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// command tells the helper something; one that is gone needs no telling.
func (c *control) command(b byte) { _, _ = c.file.Write([]byte{b}) }

// commandFor is command about a fork.
func (c *control) commandFor(b byte, number uint32) {
	_, _ = c.file.Write(binary.LittleEndian.AppendUint32([]byte{b}, number))
}

// fork asks for a process with these descriptors.
func (c *control) fork(number uint32, files []*os.File) error {
	return c.hand(binary.LittleEndian.AppendUint32([]byte{jail.CommandFork}, number), files)
}

// hand sends a command with descriptors.
func (c *control) hand(text []byte, files []*os.File) error {
	raw, err := c.file.SyscallConn()
	if err != nil {
		return err
	}
	var fds []int
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		failed = unix.Sendmsg(int(fd), text, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
		return failed != unix.EAGAIN && failed != unix.EINTR
	})
	runtime.KeepAlive(files)
	return errors.Join(err, failed)
}

// interrupt makes receive give up.
func (c *control) interrupt() { _ = c.file.SetReadDeadline(time.Unix(1, 0)) }

func (c *control) close() {
	for _, f := range c.takeHanded() {
		_ = f.Close()
	}
	_ = c.file.Close()
}

// receive waits for the helper's next message; io.EOF when it is gone. pid is
// the process that the message names, in the agent's PID namespace.
func (c *control) receive() (m jail.Message, pid int, err error) {
	var text, rights []byte // made when there is something to receive: an idle program costs nothing
	raw, err := c.file.SyscallConn()
	if err != nil {
		return m, 0, err
	}
	var n, rightsLength int
	var receiveErr error
	err = raw.Read(func(fd uintptr) bool {
		text, rights = make([]byte, 16<<10), make([]byte, unix.CmsgSpace(unix.SizeofUcred)+unix.CmsgSpace(4*maxDoors))
		for {
			n, rightsLength, _, _, receiveErr = unix.Recvmsg(int(fd), text, rights, unix.MSG_CMSG_CLOEXEC)
			if receiveErr == unix.EAGAIN {
				text, rights = nil, nil
				return false
			}
			// A helper that ends with a command unread resets the connection, which the
			// kernel tells once, before the messages that are still there.
			if receiveErr != unix.EINTR && receiveErr != unix.ECONNRESET {
				return true
			}
		}
	})
	if err == nil {
		err = receiveErr
	}
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil {
		return m, 0, err
	}
	return m, c.accompanying(rights[:rightsLength]), json.Unmarshal(text[:n], &m)
}

// accompanying is the process that the message names; descriptors that came with
// it are kept in handed.
func (c *control) accompanying(rights []byte) (pid int) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return 0
	}
	for i := range messages {
		if cred, err := unix.ParseUnixCredentials(&messages[i]); err == nil {
			pid = int(cred.Pid)
		}
		if fds, err := unix.ParseUnixRights(&messages[i]); err == nil {
			for _, fd := range fds {
				c.handed = append(c.handed, os.NewFile(uintptr(fd), "door"))
			}
		}
	}
	return pid
}

// takeHanded are the descriptors that came; they are the caller's to close.
func (c *control) takeHanded() []*os.File {
	handed := c.handed
	c.handed = nil
	return handed
}
