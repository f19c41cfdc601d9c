package meter

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// machine is how the device itself stands, as far as Linux tells it (proc(5)); what it does not tell is 0.
type machine struct {
	cpu                   time.Duration // that its processors were busy since it was started
	memory, memoryTotal   int64         // bytes not available to programs, and there are
	disk, diskTotal       int64         // bytes in use, and there are for everybody
	agent                 int64         // resident bytes of this process
	booted                time.Time
	processors, openFiles int
}

func readMachine(dir string) machine {
	m := machine{processors: runtime.NumCPU()}
	m.cpu, m.booted = processorTime()
	m.memoryTotal, m.memory = memory()
	var disk syscall.Statfs_t
	if syscall.Statfs(dir, &disk) == nil {
		m.diskTotal = int64(disk.Blocks) * disk.Bsize
		m.disk = m.diskTotal - int64(disk.Bfree)*disk.Bsize
	}
	if fields := words("/proc/self/statm"); len(fields) > 1 {
		m.agent = number(fields[1]) * int64(os.Getpagesize())
	}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		m.openFiles = len(files)
	}
	return m
}

// processorTime is the first line of /proc/stat without what was idle or waited for
// disks, and the line btime.
func processorTime() (busy time.Duration, booted time.Time) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, time.Time{}
	}
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		switch {
		case len(fields) > 8 && string(fields[0]) == "cpu":
			for _, i := range []int{1, 2, 3, 6, 7, 8} { // user, nice, system, irq, softirq, steal
				busy += time.Duration(number(fields[i])) * (time.Second / 100) // USER_HZ
			}
		case len(fields) == 2 && string(fields[0]) == "btime":
			booted = time.Unix(number(fields[1]), 0)
		}
	}
	return busy, booted
}

func memory() (total, used int64) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0
	}
	var available int64
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch string(fields[0]) {
		case "MemTotal:":
			total = number(fields[1]) << 10
		case "MemAvailable:":
			available = number(fields[1]) << 10
		}
	}
	return total, total - available
}

func words(path string) [][]byte {
	text, _ := os.ReadFile(path) // what is not there has no words
	return bytes.Fields(text)
}

func number(text []byte) int64 {
	n, _ := strconv.ParseInt(string(text), 10, 64) // the kernel writes numbers
	return n
}
