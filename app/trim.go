package app

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// settled is how long after the start what only the start needed is given back.
const settled = 2 * time.Second

// trimAfterStart gives back, once, the memory that only starting took: garbage
// that the runtime would keep for minutes, and the pages of the binary that are
// not used any more. The latter are the larger part: the kernel maps 64 KiB
// around each page that is touched, and the start touches most of the binary.
func trimAfterStart() (stop func() bool) {
	return time.AfterFunc(settled, func() {
		debug.FreeOSMemory()
		if maps, err := os.Open("/proc/self/maps"); err == nil {
			defer maps.Close()
			dropBinaryPages(bufio.NewScanner(maps))
		}
	}).Stop
}

// dropBinaryPages unmaps the pages of the binary's read-only segments. They
// come back from the page cache, one by one, when they are used.
func dropBinaryPages(maps *bufio.Scanner) {
	binary, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	for maps.Scan() {
		var from, to uintptr
		var rights string
		if _, err := fmt.Sscanf(maps.Text(), "%x-%x %s", &from, &to, &rights); err != nil {
			continue
		}
		if strings.HasSuffix(maps.Text(), " "+binary) && rights[1] == '-' {
			// Advice: nothing is lost if the kernel does not take it.
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
		}
	}
}
