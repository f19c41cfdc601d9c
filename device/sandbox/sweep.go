package sandbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/device/sandbox/cgroup"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
)

// foldersFile, in the state, lists the folders of control groups ever made and
// not yet removed: a later agent may itself be in another group.
const foldersFile = "control-groups"

// Sweep ends processes and removes control groups that a killed agent of the
// same state left behind. Call it once, before the first Start.
func (s *Sandbox) Sweep(ctx context.Context) error {
	errs := []error{s.sweepProcesses(ctx)}
	own := s.groups.Folders()
	var left []string
	for _, folder := range readFolders(s.config.State) {
		if err := cgroup.RemoveLeftovers(ctx, folder, s.groups); err != nil {
			errs = append(errs, fail.Wrap(err, fail.Internal, "remove control group", folder))
			left = append(left, folder)
		} else if slices.Contains(own, folder) {
			left = append(left, folder)
		}
	}
	errs = append(errs, writeFolders(s.config.State, left))
	return errors.Join(errs...)
}

// sweepProcesses ends every process that carries this state's mark and is not of
// this run. A process can take the mark off itself; where PID namespaces are, none
// outlived its agent to do so.
func (s *Sandbox) sweepProcesses(ctx context.Context) error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return fail.Wrap(err, fail.Internal, "find processes", "/proc")
	}
	var errs []error
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || !s.left(pid) {
			continue
		}
		errs = append(errs, endProcess(ctx, pid, s.left))
	}
	return errors.Join(errs...)
}

// left tells whether a process is of this state and of an earlier run.
func (s *Sandbox) left(pid int) bool {
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false // gone, or of another user: not ours
	}
	for variable := range bytes.SplitSeq(environ, []byte{0}) {
		run, ours := strings.CutPrefix(string(variable), instanceVariable+"="+s.instance.id+".")
		if ours {
			return run != s.instance.run
		}
	}
	return false
}

// endProcess kills pid and waits for its end. The pidfd keeps the number from
// meaning another process between looking and killing.
func endProcess(ctx context.Context, pid int, still func(int) bool) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		if errors.Is(err, unix.ENOSYS) {
			err = unix.Kill(pid, unix.SIGKILL)
		}
		if errors.Is(err, unix.ESRCH) {
			return nil
		}
		return err
	}
	defer unix.Close(fd)
	if !still(pid) {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		if errors.Is(err, unix.ESRCH) {
			return nil
		}
		return fail.Wrap(err, fail.Denied, "end process", strconv.Itoa(pid))
	}
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 50)
		if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return nil
		}
	}
	return fail.Wrap(ctx.Err(), fail.Timeout, "end process", strconv.Itoa(pid))
}

func readFolders(state string) []string {
	text, err := os.ReadFile(filepath.Join(state, foldersFile))
	if err != nil {
		return nil // none was ever made
	}
	return slices.DeleteFunc(strings.Split(string(text), "\n"), func(line string) bool { return line == "" })
}

func writeFolders(state string, folders []string) error {
	path := filepath.Join(state, foldersFile)
	return fail.Wrap(durable.Replace(path, []byte(strings.Join(folders, "\n")+"\n")), fail.Exhausted, "write", path)
}

// rememberFolders adds folders to those that a later agent may have to remove.
func rememberFolders(state string, folders []string) error {
	known := readFolders(state)
	for _, f := range folders {
		if !slices.Contains(known, f) {
			known = append(known, f)
		}
	}
	return writeFolders(state, known)
}
