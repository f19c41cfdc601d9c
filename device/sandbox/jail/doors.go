package jail

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Door is a port within a new network namespace behind which the agent connects to
// one endpoint outside: all that the program can reach.
type Door struct {
	Name      string // as which the program knows Address; "" without a name
	Address   string // within the namespace
	Port      int
	Datagrams bool // UDP, not TCP
}

// openDoors makes a socket for every door. The sockets are the agent's: only their numbers are
// in the namespace.
func openDoors(doors []Door) (sockets []int, err error) {
	for i, d := range doors {
		address, err := netip.ParseAddr(d.Address)
		if err != nil {
			return sockets, because(unix.EINVAL, "open door", d.Address)
		}
		if !address.IsLoopback() {
			if err := addAddress(fmt.Sprintf("lo:%d", i), address); err != nil {
				return sockets, because(err, "add address", d.Address)
			}
		}
		fd, err := d.open(address)
		// The kernel looks whether an IPv6 address is another's, which on lo takes it no time but its turn.
		for deadline := time.Now().Add(time.Second); err == unix.EADDRNOTAVAIL && address.Is6() && time.Now().Before(deadline); fd, err = d.open(address) {
			time.Sleep(time.Millisecond)
		}
		if err != nil {
			return sockets, because(err, "open door", fmt.Sprintf("%s, port %d", d.Address, d.Port))
		}
		sockets = append(sockets, fd)
	}
	return sockets, nil
}

func (d Door) open(address netip.Addr) (int, error) {
	family, kind := unix.AF_INET, unix.SOCK_STREAM
	var at unix.Sockaddr = &unix.SockaddrInet4{Port: d.Port, Addr: as4(address)}
	if address.Is6() {
		family, at = unix.AF_INET6, &unix.SockaddrInet6{Port: d.Port, Addr: address.As16()}
	}
	if d.Datagrams {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	if err = unix.Bind(fd, at); err == nil && !d.Datagrams {
		err = unix.Listen(fd, 128)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func as4(address netip.Addr) (a [4]byte) {
	if address.Is4() {
		a = address.As4()
	}
	return a
}

// addAddress gives the interface lo one more address, alone. That it has it already is fine.
func addAddress(label string, address netip.Addr) error {
	add := addAddress4
	if address.Is6() {
		add = addAddress6
	}
	if err := add(label, address); !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

func addAddress4(label string, address netip.Addr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for _, step := range []struct {
		call  uint
		value [4]byte
	}{{unix.SIOCSIFADDR, as4(address)}, {unix.SIOCSIFNETMASK, [4]byte{255, 255, 255, 255}}} {
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

// addAddress6 needs no label; lo has the first number in every network namespace.
func addAddress6(_ string, address netip.Addr) error {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request := struct { // in6_ifreq
		address [16]byte
		prefix  uint32
		index   int32
	}{address.As16(), 128, 1}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFADDR, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return errno
	}
	return nil
}

// hostsFile is what the program reads in place of the device's /etc/hosts: the names
// behind which there is a door. Doors to localhost are at its IPv4 address, so it has no other.
func hostsFile(doors []Door) string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 ip6-localhost ip6-loopback\n")
	for _, d := range doors {
		if d.Name != "" && d.Name != "localhost" {
			fmt.Fprintf(&b, "%s %s\n", d.Address, d.Name)
		}
	}
	return b.String()
}

// handOver gives the agent descriptors, and closes the helper's.
func (c *control) handOver(sockets []int) {
	if len(sockets) == 0 {
		return
	}
	c.sendWith(Message{Doors: len(sockets)}, unix.UnixRights(sockets...))
	for _, fd := range sockets {
		_ = unix.Close(fd)
	}
}
