// Package smalldisk gives a test a disk that is soon full: a real file system of a
// few pages (tmpfs). Tests of what happens on a full disk use it, in every package
// that writes.
//
// As root the disk is mounted for the test. Another user's test is run a second
// time by itself, in a process with user and mount namespaces of its own, where it
// may mount. Where the kernel allows neither the test is skipped, with the reason.
package smalldisk

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// inside is the variable that tells a test that it runs in the namespaces.
const inside = "FESCUE_SMALLDISK_INSIDE"

// Run calls test with the directory of an empty disk of size ("64k", "1m").
func Run(t *testing.T, size string, test func(t *testing.T, dir string)) {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("none", dir, "tmpfs", 0, "size="+size)
	switch {
	case err == nil:
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Errorf("smalldisk: unmount: %v", err)
			}
		})
		test(t, dir)
	case os.Getenv(inside) != "":
		t.Skipf("smalldisk: cannot mount, not even in a namespace of its own: %v", err)
	default:
		again(t)
	}
}

// again runs the test in namespaces of its own and takes over its result.
func again(t *testing.T) {
	t.Helper()
	var pattern []string
	for part := range strings.SplitSeq(t.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(part)+"$")
	}
	cmd := exec.Command(os.Args[0], "-test.run="+strings.Join(pattern, "/"), "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Skipf("smalldisk: needs CAP_SYS_ADMIN or user namespaces: %v", err)
	}
	err := cmd.Wait()
	if bytes.Contains(out.Bytes(), []byte("--- SKIP")) {
		t.Skip(out.String())
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
}
