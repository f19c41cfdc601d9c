package jail

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// Door is a port within a new network namespace behind which the agent connects to
// one endpoint outside: all that the program can reach.
type Door struct {
	Name    string // as which the program knows Address; "" without a name
	Address string // IPv4, within the namespace
	Port    int
}

// openDoors listens at every door. The listeners are the agent's: only their number is
// in the namespace.
func openDoors(doors []Door) (listeners []int, err error) {
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	for i, d := range doors {
		address, err := netip.ParseAddr(d.Address)
		if err != nil || !address.Is4() {
			return listeners, because(unix.EINVAL, "open door", d.Address)
		}
		if !loopback.Contains(address) {
			if err := addAddress(fmt.Sprintf("lo:%d", i), address.As4()); err != nil {
				return listeners, because(err, "add address", d.Address)
			}
		}
		fd, err := listen(address.As4(), d.Port)
		if err != nil {
			return listeners, because(err, "open door", fmt.Sprintf("%s:%d", d.Address, d.Port))
		}
		listeners = append(listeners, fd)
	}
	return listeners, nil
}

func listen(address [4]byte, port int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: address}); err == nil {
		err = unix.Listen(fd, 128)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// addAddress gives the interface lo one more address, alone (mask /32).
func addAddress(label string, address [4]byte) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for _, step := range []struct {
		call  uint
		value [4]byte
	}{{unix.SIOCSIFADDR, address}, {unix.SIOCSIFNETMASK, [4]byte{255, 255, 255, 255}}} {
		request, err := unix.NewIfreq(label)
		if err != nil {
			return err
		}
		if err := request.SetInet4Addr(step.value[:]); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(fd, step.call, request); err != nil {
			return err
		}
	}
	return nil
}

// hostsFile is what the program reads in place of the device's /etc/hosts: the names
// behind which there is a door.
func hostsFile(doors []Door) string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
	for _, d := range doors {
		if d.Name != "" && d.Name != "localhost" {
			fmt.Fprintf(&b, "%s %s\n", d.Address, d.Name)
		}
	}
	return b.String()
}

// handOver gives the agent descriptors, and closes the helper's.
func (c *control) handOver(listeners []int) {
	if len(listeners) == 0 {
		return
	}
	c.sendWith(Message{Doors: len(listeners)}, unix.UnixRights(listeners...))
	for _, fd := range listeners {
		_ = unix.Close(fd)
	}
}
