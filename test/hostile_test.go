package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fescue.dev/fescue/spec"
)

// attempts is a function that tries one thing after the other and returns what
// came of each: "done", or the error's name.
const attempts = `
import ctypes, errno, json, os, platform, socket, resource
libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"

def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")

def syscall(x86, arm, *args):
    call(libc.syscall(ctypes.c_long(x86 if X86 else arm), *[ctypes.c_long(a) for a in args]))

def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(3)
        s.connect(address)

def open_many(n):
    files = []
    try:
        for _ in range(n):
            files.append(open("/dev/null"))
    finally:
        for f in files:
            f.close()

TRIES = {
    "read": lambda path: open(path, "rb").read(),
    "write": lambda path: open(path, "ab").close(),
    "list": os.listdir,
    "remove": os.remove,
    "kill": lambda pid: os.kill(int(pid), 9),
    "connect": lambda to: connect(socket.AF_INET, (to.split(":")[0], int(to.split(":")[1]))),
    "unix": lambda path: connect(socket.AF_UNIX, path),
    "abstract": lambda name: connect(socket.AF_UNIX, "\0" + name),
    "raw": lambda _: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "packet": lambda _: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0),
    "setuid": lambda _: os.setuid(0),
    "setgid": lambda _: os.setgid(0),
    "chroot": lambda _: os.chroot("/tmp"),
    "mount": lambda _: call(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
    "unshare": lambda _: call(libc.unshare(0x10000000)),
    "ptrace": lambda pid: call(libc.ptrace(16, int(pid), None, None)),
    "keyring": lambda _: syscall(250, 219, 0, -3, 1),
    "module": lambda _: syscall(175, 105, 0, 0, 0),
    "reboot": lambda _: syscall(169, 142, 0xfee1dead, 672274793, 0),
    "settime": lambda _: call(libc.settimeofday(ctypes.byref((ctypes.c_long * 2)(0, 0)), None)),
    "queue": lambda name: call(libc.mq_open(name.encode(), os.O_RDWR)),
    "mknod": lambda path: os.mknod(path, 0o020666, os.makedev(1, 1)),
    "link": lambda path: os.link(path, os.environ["FESCUE_DATA"] + "/hard"),
    "files": lambda n: open_many(int(n)),
    "limit": lambda n: resource.setrlimit(resource.RLIMIT_NOFILE, (int(n), int(n))),
    "state": lambda path: open(path).read(),
}

def handle(event, context):
    outcomes = {}
    for attempt in event:
        name, _, arg = attempt.partition(" ")
        try:
            TRIES[name](arg)
            outcomes[attempt] = "done"
        except OSError as e:
            outcomes[attempt] = errno.errorcode.get(e.errno, type(e).__name__)
        except Exception as e:
            outcomes[attempt] = type(e).__name__
    return outcomes
`

// attempt has the function of an application try things.
func (m *machine) attempt(app string, what ...string) map[string]string {
	m.t.Helper()
	data, err := json.Marshal(what)
	if err != nil {
		m.t.Fatal(err)
	}
	var outcomes map[string]string
	out := m.must("invoke", app, "--data", string(data))
	if err := json.Unmarshal([]byte(out), &outcomes); err != nil || len(outcomes) != len(what) {
		m.t.Fatalf("%v in %s", err, out)
	}
	return outcomes
}

// hostile deploys the function under a name, with more lines of configuration.
func (m *machine) hostile(name, more string) {
	m.t.Helper()
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: " + name + "\nversion: 1.0.0\nruntime: python\nhandler: attempts.handle\n" + more,
		"attempts.py": attempts,
	}))
}

const victim = `
import os, time, fescue
open(os.environ["FESCUE_DATA"] + "/secret", "w").write("of the victim")
while True:
    time.sleep(1)
`

// An application that tries all that is forbidden gets none of it, and its
// neighbour does not notice. That each attempt would succeed without its walls is seen in
// package device/sandbox (TestEveryWallHolds, TestEveryLimitHolds).
func TestHostile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("as another user than root applications share the agent's user id: package device/sandbox tests what is enforced then")
	}
	m := newMachine(t)
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: victim\nversion: 1.0.0\nruntime: python\nipc: mqueue\ncommands:\n  - run: python victim.py\n",
		"victim.py":   victim,
	}))
	m.hostile("hostile", "")
	secret := filepath.Join(m.state, "device/apps/victim/data/secret")
	m.eventually("the victim has its secret", func() error { _, err := os.Stat(secret); return err })
	pid := m.pidOf("victim.py")
	api := strings.TrimPrefix(strings.TrimSpace(readFile(t, filepath.Join(m.state, "server/url"))), "http://")

	contained := map[string][]string{
		// Others' files, the agent's keys, the system's secrets.
		"read " + secret: {"ENOENT", "EACCES"},
		"list " + filepath.Join(m.state, "device/apps/victim"): {"ENOENT", "EACCES"},
		"read " + filepath.Join(m.state, "server/admin-token"): {"ENOENT", "EACCES"},
		"read " + filepath.Join(m.state, "device/token"):       {"ENOENT", "EACCES"},
		"read " + filepath.Join(m.state, "server/fescue.db"):   {"ENOENT", "EACCES"},
		"read /etc/shadow":       {"ENOENT", "EACCES"},
		"read /proc/1/environ":   {"EACCES", "EPERM"},
		"write /etc/passwd":      {"EROFS", "EACCES"},
		"write /usr/bin/python3": {"EROFS", "EACCES"},
		"link " + secret:         {"ENOENT", "EACCES"},
		"mknod /tmp/memory":      {"EPERM"},
		// Others' processes and channels.
		fmt.Sprintf("kill %d", pid):   {"ESRCH", "EPERM"},
		fmt.Sprintf("ptrace %d", pid): {"ESRCH", "EPERM"},
		"list /dev/mqueue":            {"ENOENT"},
		"queue /fescue":               {"ENOENT", "EACCES"},
		"abstract fescue":             {"ECONNREFUSED"},
		// The network.
		"connect " + api:             {"ECONNREFUSED", "ENETUNREACH"},
		"connect 192.0.2.1:80":       {"ENETUNREACH"},
		"connect 169.254.169.254:80": {"ENETUNREACH"},
		"raw":                        {"EPERM", "EACCES"},
		"packet":                     {"EPERM", "EAFNOSUPPORT"},
		// The kernel.
		"setuid":  {"EPERM"},
		"setgid":  {"EPERM"},
		"chroot":  {"EPERM"},
		"mount":   {"EPERM"},
		"unshare": {"EPERM"},
		"keyring": {"EPERM"},
		"module":  {"EPERM"},
		"reboot":  {"EPERM"},
		"settime": {"EPERM"},
		// Descriptors.
		"files 10000":  {"EMFILE"},
		"limit 100000": {"EPERM", "ValueError"},
	}
	var what []string
	for attempt := range contained {
		what = append(what, attempt)
	}
	for attempt, outcome := range m.attempt("hostile", what...) {
		if !strings.Contains(" "+strings.Join(contained[attempt], " ")+" ", " "+outcome+" ") {
			t.Errorf("%s: %s, want one of %v", attempt, outcome, contained[attempt])
		}
	}
	if m.pidOf("victim.py") != pid {
		t.Error("the victim was ended")
	}
	m.refusalsAreTold("hostile", "system call mount", "system call unshare", "system call ptrace", "system call add_key|system call keyctl",
		"system call chroot", "system call reboot", "to become root", "to become group root", "a device file", "a raw socket", "a socket of family 17",
		"connection to 192.0.2.1:80", "connection to 169.254.169.254:80", "connection to "+api, "connection to the socket")
	// It works on, and so does what it may do.
	for attempt, outcome := range m.attempt("hostile", "write /tmp/own", "files 1000", "read /etc/hosts", "list /proc") {
		if outcome != "done" {
			t.Errorf("%s: %s, want done", attempt, outcome)
		}
	}
}

// refusalsAreTold waits until the server knows what was refused, and finds it in the application's log.
func (m *machine) refusalsAreTold(app string, what ...string) {
	m.t.Helper()
	if out := m.must("get", "devices", "-o", "json"); !strings.Contains(out, "refusals are told") {
		m.t.Log("this machine's kernel does not tell what it refuses")
		return
	}
	find := func(text, what string) bool {
		return slices.ContainsFunc(strings.Split(what, "|"), func(w string) bool { return strings.Contains(text, "refused by the sandbox: "+w) })
	}
	m.eventually("what was refused is told", func() error {
		var events []spec.Event
		m.record(&events, "get", "events", "2")
		var told strings.Builder
		for _, e := range events {
			if e.Kind == spec.EventDenial && string(e.Application) == app {
				told.WriteString(e.Message + "\n")
			}
		}
		log := m.cli("logs", app).stderr // what the engine says of the application
		for _, w := range what {
			if !find(told.String(), w) || !find(log, w) {
				return fmt.Errorf("not told: %s\nevents:\n%s\nlog:\n%s", w, told.String(), log)
			}
		}
		return nil
	})
}

// pidOf is the process, on the machine, whose command line has the word.
func (m *machine) pidOf(word string) int {
	m.t.Helper()
	found := 0
	m.eventually(word+" runs", func() error {
		lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
		if err != nil {
			return err
		}
		for _, path := range lines {
			line, err := os.ReadFile(path)
			if err == nil && strings.Contains(string(line), "python") && strings.HasSuffix(strings.TrimRight(string(line), "\x00"), word) {
				found, err = strconv.Atoi(filepath.Base(filepath.Dir(path)))
				return err
			}
		}
		return fmt.Errorf("no process %s", word)
	})
	return found
}

// Links that an application leaves in its folders do not lead the engine astray: not
// when it starts again, nor when it is removed.
func TestHostileLinks(t *testing.T) {
	m := newMachine(t)
	precious := filepath.Join(t.TempDir(), "precious")
	if err := os.MkdirAll(precious, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(precious, "file"), []byte("kept"), 0o666); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(precious)
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf(`cd "$FESCUE_DATA"; ln -sfn %[1]s folder; ln -sfn %[1]s/file file; ln -sfn /etc etc; ln -sfn ../record.json record.json; ln -sfn ../../.. up; echo linked; `, precious)
	deploy := func(version string) {
		m.must("deploy", m.service("linker", version, strconv.Quote(script+forever), ""))
	}
	deploy("1.0.0")
	m.eventually("the links are there", func() error {
		_, err := os.Lstat(filepath.Join(m.state, "device/apps/linker/data/up"))
		return err
	})
	deploy("1.1.0")
	m.kill()
	m.start()
	m.must("stop", "linker")
	m.must("start", "linker")
	m.must("delete", "linker")
	if got := readFile(t, filepath.Join(precious, "file")); got != "kept" {
		t.Errorf("through a link: %q", got)
	}
	if after, err := os.Stat(precious); err != nil || after.Mode() != before.Mode() || !os.SameFile(before, after) {
		t.Errorf("the folder behind a link: %v, %v", after, err)
	}
	if _, err := os.Stat("/etc/passwd"); err != nil {
		t.Error(err)
	}
	if left := m.directories("device/apps/linker*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A memory hog is ended alone, told as what it is, and started again.
func TestHostileMemory(t *testing.T) {
	m := newMachine(t)
	m.must("deploy", m.service("good", "1.0.0", forever, ""))
	hog := `import time
time.sleep(2)
held = []
while True:
    held.append(bytearray(1 << 20))
`
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: hog\nversion: 1.0.0\nruntime: python\nlimits: {memory: 48MiB}\ncommands:\n  - run: python hog.py\n",
		"hog.py":      hog,
	}))
	var events []spec.Event
	restarts := func() (n int, message string) {
		for _, e := range events {
			if e.Application == "hog" && e.Kind == spec.EventApplication && e.Status == string(spec.Restarting) {
				n, message = n+1, e.Message
			}
		}
		return n, message
	}
	m.eventually("it has been started again, twice, and why is told", func() error {
		m.record(&events, "get", "events", "2")
		if n, message := restarts(); n < 2 || !strings.Contains(message, "out of memory: limit 48MiB") {
			return fmt.Errorf("%d restarts, %q", n, message)
		}
		return nil
	})
	var app spec.Application
	m.record(&app, "get", "application", "good")
	if app.Placements[0].State != spec.Running || app.Placements[0].Message != "" {
		t.Errorf("the neighbour: %+v", app.Placements)
	}
}

// A processor hog has its share and no more, however many processes it makes.
func TestHostileProcessor(t *testing.T) {
	m := newMachine(t)
	code := `
import multiprocessing, os, resource, time
def burn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
def handle(event, context):
    begun = time.monotonic()
    children = [multiprocessing.Process(target=burn, args=(4,)) for _ in range(4)]
    for c in children: c.start()
    for c in children: c.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) / (time.monotonic() - begun)
`
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: burner\nversion: 1.0.0\nruntime: python\nhandler: burner.handle\nlimits: {cpu: 0.3}\n",
		"burner.py":   code,
	}))
	if out := m.must("get", "devices", "-o", "json"); !strings.Contains(out, `"isolation.cpu limit": "control group`) {
		t.Skip("this machine gives the agent no control group for processors")
	}
	out := strings.TrimSpace(m.must("invoke", "burner", "--timeout", "60s"))
	share, err := strconv.ParseFloat(out, 64)
	if err != nil || share > 0.45 || share < 0.01 {
		t.Errorf("it used %s processors of 0.3", out)
	}
	t.Logf("used %s processors of 0.3", out)
}

// Who fills the disk is ended at its limit, told why, and not started until there is
// room: its neighbour's files are its own.
func TestHostileDisk(t *testing.T) {
	m := newMachine(t)
	m.must("deploy", m.service("good", "1.0.0", `while true; do date > "$FESCUE_DATA/now"; sleep 0.1; done`, ""))
	const hog = `i=0; while [ $i -lt 1000 ]; do head -c 1000000 /dev/zero > "$FESCUE_DATA/$i"; i=$((i+1)); sleep 0.02; done; sleep 1000`
	m.must("deploy", m.service("filler", "1.0.0", strconv.Quote(hog), "limits: {disk: 20MiB}\n"))
	m.eventually("it is ended, and told why", func() error {
		var app spec.Application
		m.record(&app, "get", "application", "filler")
		return contains(app.Placements[0].Message, "its data take more than limits.disk, 20MiB")
	})
	m.eventually("none of it runs", func() error { return m.noProcess("head\x00-c\x001000000") })
	files := m.directories("device/apps/filler/data/*")
	if len(files) < 15 || len(files) > 900 {
		t.Errorf("%d files of 1 MB with a limit of 20 MiB", len(files))
	}
	var app spec.Application
	m.record(&app, "get", "application", "good")
	if app.Placements[0].State != spec.Running {
		t.Errorf("the neighbour: %+v", app.Placements)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	m.eventually("it is started again once there is room", func() error {
		if len(m.directories("device/apps/filler/data/*")) == 0 {
			return fmt.Errorf("nothing was written")
		}
		return nil
	})

	// A single file does not even come so far.
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: file\nversion: 1.0.0\nruntime: python\nhandler: file.handle\nlimits: {disk: 2MiB}\n",
		"file.py":     "import errno, os\ndef handle(event, context):\n    with open(os.environ['FESCUE_DATA'] + '/big', 'wb') as f:\n        try:\n            f.write(bytes(3 << 20)); f.flush()\n        except OSError as e:\n            return errno.errorcode[e.errno]\n    return 'written'\n",
	}))
	if out := m.must("invoke", "file"); !strings.Contains(out, "EFBIG") {
		t.Errorf("a file over the limit: %s", out)
	}
}

// Mode root is the device's to allow: the server refuses it before anything is sent, where the device does not.
func TestRootByPolicy(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("an agent without root has no root to give")
	}
	code := "name: rooty\nversion: 1.0.0\nruntime: native\ncommands:\n  - {run: 'id -u; sleep 1000', mode: root}\n"
	m := newMachine(t)
	if r := m.cli("deploy", m.application(map[string]string{"fescue.yaml": code})); r.status == 0 || !strings.Contains(r.stdout+r.stderr, "mode root") {
		t.Errorf("without the device's word: status %d\n%s%s", r.status, r.stdout, r.stderr)
	}
	m = newMachine(t, "--allow-root")
	m.must("deploy", m.application(map[string]string{"fescue.yaml": code}))
	m.eventually("it is root", func() error {
		if got := strings.TrimSpace(m.must("logs", "rooty")); got != "0" {
			return fmt.Errorf("user %q", got)
		}
		return nil
	})
}

// A fork bomb meets its limit, its neighbour does not notice, and it is gone with its application.
func TestHostileForks(t *testing.T) {
	m := newMachine(t)
	m.must("deploy", m.service("good", "1.0.0", forever, ""))
	const bomb = "import os, time\ntime.sleep(1.5)\nfor _ in range(2000):\n    try:\n        if os.fork() == 0:\n            time.sleep(4715)\n    except OSError as e:\n        print('no more:', e.errno, flush=True)\n        break\nelse:\n    print('unbounded', flush=True)\ntime.sleep(4715)\n"
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: bomb\nversion: 1.0.0\nruntime: python\nlimits: {processes: 40}\ncommands:\n  - run: python bomb.py\n", "bomb.py": bomb,
	}))
	m.eventually("it meets its limit", func() error { return contains(m.must("logs", "bomb"), "no more: 11") }) // EAGAIN
	m.refusalsAreTold("bomb", "a process or thread beyond limits.processes, 40")
	var app spec.Application
	m.record(&app, "get", "application", "good")
	if app.Placements[0].State != spec.Running || app.Placements[0].Message != "" {
		t.Errorf("the neighbour: %+v", app.Placements)
	}
	m.must("delete", "bomb")
	m.eventually("none of it is left", func() error { return m.noProcess("python\x00bomb.py") })
}
