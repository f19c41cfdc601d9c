package jail

import (
	"encoding/json"
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
	unix.CloseOnExec(PlanFD)
	return &control{os.NewFile(ControlFD, "control")}, nil
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

// commands passes on what the agent sends; the channel is closed when the agent
// is gone.
func (c *control) commands() <-chan byte {
	commands := make(chan byte, 4)
	go func() {
		defer close(commands)
		var b [1]byte
		for {
			n, err := c.file.Read(b[:])
			if err != nil || n == 0 {
				return
			}
			commands <- b[0]
		}
	}()
	return commands
}
