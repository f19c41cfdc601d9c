package fabric

import (
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// tryLock takes the lock on f that the kernel releases with the process,
// however that ends.
func tryLock(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

func joined(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
