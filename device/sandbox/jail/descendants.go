package jail

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// killDescendants ends the processes below this one that it finds, where there
// is no PID namespace to do it.
func killDescendants() {
	pids := descendants(os.Getpid())
	for _, pid := range pids {
		_ = unix.Kill(pid, unix.SIGSTOP) // what forks faster than it is found stands still first
	}
	for _, pid := range pids {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

// descendants are the living processes below root.
func descendants(root int) []int {
	children := families()
	var found []int
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		found = append(found, children[queue[0]]...)
		queue = append(queue, children[queue[0]]...)
	}
	return found
}

// families are the living children of each process that has some.
func families() map[int][]int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if parent, alive := parentOf(pid); alive {
			children[parent] = append(children[parent], pid)
		}
	}
	return children
}

// parentOf is the parent of a living process.
func parentOf(pid int) (parent int, alive bool) {
	fields := statOf(pid)
	if len(fields) < 4 || fields[0][0] == 'Z' || fields[0][0] == 'X' {
		return 0, false
	}
	parent, err := strconv.Atoi(string(fields[1]))
	return parent, err == nil
}

// sessionOf is the session of a process, 0 if there is none.
func sessionOf(pid int) int {
	fields := statOf(pid)
	if len(fields) < 4 {
		return 0
	}
	session, _ := strconv.Atoi(string(fields[3])) // the kernel writes numbers
	return session
}

// statOf are the fields of /proc/PID/stat from the third on: the second, in parentheses,
// may hold anything.
func statOf(pid int) [][]byte {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	return bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
}

// below tells whether a process descends from root. Between them may be one that has
// ended and was not collected yet.
func below(root, pid int) bool {
	for range 16 {
		if descends, sure := line(root, pid); sure {
			return descends
		}
	}
	return false
}

// line follows a process's line of parents up to root. It is not sure when one of them has
// ended meanwhile: its children have another parent now.
func line(root, pid int) (descends, sure bool) {
	for n := range 64 { // a line that is longer is nobody's that we have to do with
		fields := statOf(pid)
		if len(fields) < 4 {
			return false, n == 0
		}
		parent, err := strconv.Atoi(string(fields[1]))
		if err != nil || parent <= 0 {
			return false, true
		}
		if parent == root {
			return true, true
		}
		pid = parent
	}
	return false, true
}
