package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// owner is another user, as whom the server runs.
type owner struct{ uid, gid uint32 }

// ownerOf is whom a test that runs as root hands the server to; nil when the test
// is not root and can run it itself.
func ownerOf() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &owner{uint32(uid), uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

// programs is the folder of initdb and postgres, the newest version first.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	best, newest := "", -1
	for _, f := range found {
		dir := filepath.Dir(f)
		if v, err := strconv.Atoi(filepath.Base(filepath.Dir(dir))); err == nil && v > newest {
			best, newest = dir, v
		}
	}
	if best != "" {
		return best, nil
	}
	if f, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(f), nil
	}
	return "", errors.New("PostgreSQL is not installed: no initdb in /usr/lib/postgresql/*/bin or PATH; install the package postgresql")
}

// command is a program of PostgreSQL's, as the server's owner.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir = s.dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.owner != nil {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: s.owner.uid, Gid: s.owner.gid}
	}
	return c
}

// initialise makes the server's files.
func (s *Server) initialise() error {
	if s.owner != nil {
		if err := os.Chown(s.dir, int(s.owner.uid), int(s.owner.gid)); err != nil {
			return err
		}
	}
	out, err := s.command("initdb", "--pgdata", s.data(), "--username", "postgres", "--auth", "trust",
		"--no-sync", "--encoding", "UTF8", "--locale", "C").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	rules := "local all " + Guarded + " scram-sha-256\nlocal all all trust\n"
	return os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(rules), 0o600)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// settings make it small and quick. Commits still reach the kernel before they are
// acknowledged, so that Stop loses none.
func (s *Server) settings() []string {
	var args []string
	for _, setting := range []string{
		"listen_addresses=", "unix_socket_directories=" + s.dir, "fsync=off", "full_page_writes=off",
		"shared_buffers=16MB", "max_connections=60", "autovacuum=off", "jit=off",
	} {
		args = append(args, "-c", setting)
	}
	return append([]string{"-D", s.data()}, args...)
}

// process is a running server. err may be read once done is closed.
type process struct {
	pid  int
	done chan struct{}
	err  error
}

// launch starts the server. The kernel ends it when the thread that started it
// ends, so that thread is kept for as long as the server runs, and a killed test
// leaves nothing behind.
func (s *Server) launch() (*process, error) {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the server has its own descriptor
	c := s.command("postgres", s.settings()...)
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr.Pdeathsig = syscall.SIGQUIT // PostgreSQL's immediate shutdown
	p := &process{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		defer close(p.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.Start()
		if err == nil {
			p.pid = c.Process.Pid
		}
		started <- err
		if err == nil {
			p.err = c.Wait()
		}
	}()
	return p, <-started
}

// end shuts the server down without ceremony. The postmaster ends after all its
// backends: it kills those that take too long.
func (p *process) end() error {
	if err := syscall.Kill(p.pid, syscall.SIGQUIT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		err := syscall.Kill(p.pid, syscall.SIGKILL)
		<-p.done
		return errors.Join(errors.New("PostgreSQL did not end in time and was killed"), err)
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		return p.err // an exit status is no fault here: an immediate shutdown has one
	}
	return nil
}
