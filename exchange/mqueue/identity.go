package mqueue

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// The kernel charges a queue to the user id of whoever makes it, and counts queues
// for each IPC namespace. An agent that is root makes the queues of a client as the
// client's user, so that each application has the whole limit for itself; and when
// the namespace has its 256 queues (fs.mqueue.queues_max), in a fresh namespace, which
// ends at once: only descriptors are passed on.

// payer is the user whom a client's queues are charged to.
func payer(client int) int {
	if os.Geteuid() == 0 && client >= 0 {
		return client
	}
	return os.Getuid()
}

// bothFor makes the two queues, charged to a user, or to this process's own where that
// may not be (root of a user namespace knows few users).
func bothFor(user int, s size) (q queues, err error) {
	err = as(user, false, func() error { q, err = both(s); return err })
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) {
		user = os.Getuid()
		q, err = both(s)
	}
	if errors.Is(err, unix.ENOSPC) && os.Geteuid() == 0 {
		again := as(user, true, func() error { q, err = both(s); return err })
		if again == nil || !errors.Is(again, unix.EPERM) {
			err = again
		}
	}
	q.payer = user
	return q, err
}

// as calls f on a thread whose real user id is user, in a fresh IPC namespace or in
// the process's. The effective user stays root, with all it may do.
func as(user int, fresh bool, f func() error) error {
	if user == os.Getuid() && !fresh {
		return f()
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		self := os.Getuid()
		clean := !fresh
		done <- func() error {
			if fresh {
				if err := unix.Unshare(unix.CLONE_NEWIPC); err != nil {
					clean = true
					return err
				}
			}
			if err := setRealUser(user); err != nil {
				return err
			}
			err := f()
			clean = setRealUser(self) == nil && clean
			return err
		}()
		if clean {
			runtime.UnlockOSThread()
		} // else the thread ends with this goroutine, and all that was changed with it
	}()
	return <-done
}

// setRealUser changes the calling thread's real user id alone; the library's
// functions change it for all threads.
func setRealUser(user int) error {
	const unchanged = ^uintptr(0)
	if _, _, errno := unix.RawSyscall(sysSetresuid, uintptr(user), unchanged, unchanged); errno != 0 {
		return errno
	}
	return nil
}
