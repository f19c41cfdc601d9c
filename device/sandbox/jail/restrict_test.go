package jail

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// inMountNamespace runs f on a thread with mounts of its own, which ends with it.
func inMountNamespace(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Skip("this device allows no mount namespace: ", err)
	}
}

// Both ways of restricting take away writing at the path and at what is mounted
// below it, and keep what was restricted before.
func TestRestrict(t *testing.T) {
	for name, restrict := range map[string]func(string, uint64) error{"mount_setattr": restrict, "remount": remountAll} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			inMountNamespace(t, func() {
				must := func(err error) {
					if err != nil {
						t.Error(err)
					}
				}
				must(unix.Mount("outer", dir, "tmpfs", unix.MS_NOEXEC, ""))
				must(os.Mkdir(dir+"/in ner", 0o755))
				must(unix.Mount("inner", dir+"/in ner", "tmpfs", 0, ""))
				must(restrict(dir, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NODEV))
				for _, d := range []string{dir, dir + "/in ner"} {
					if err := os.WriteFile(d+"/x", nil, 0o600); !errors.Is(err, unix.EROFS) {
						t.Errorf("%s: %v", d, err)
					}
				}
				var st unix.Statfs_t
				must(unix.Statfs(dir, &st))
				if st.Flags&unix.ST_NOEXEC == 0 || st.Flags&unix.ST_NODEV == 0 {
					t.Errorf("flags %#x", st.Flags)
				}
			})
		})
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{`/a`: "/a", `/a\040b`: "/a b", `/a\134`: `/a\`, `\04`: `\04`, `\999`: `\999`} {
		if got := unescape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
