package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/cli"
	"fescue.dev/fescue/fail"
)

// Doctor examines this machine as a device's agent would find it. What it needs for
// that is in a directory of its own, gone afterwards.
func Doctor(ctx context.Context) (findings []cli.Finding, err error) {
	dir, err := os.MkdirTemp("", "fescue-doctor-")
	if err != nil {
		return nil, fail.Wrap(err, fail.Exhausted, "examine", os.TempDir())
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // its programs run as other users
		return nil, fail.Wrap(err, fail.Internal, "examine", dir)
	}
	d := &device{dir: dir, o: quiet()}
	defer d.close()
	if err := d.openRuntimes(); err != nil {
		return nil, err
	}
	for _, f := range d.sandbox.Findings() {
		findings = append(findings, cli.Finding{Part: "isolation", What: f.What, OK: f.Full, Found: f.How, Remedy: f.Remedy})
	}
	if why := d.sandbox.Facts()["confinement refused"]; why != "" {
		findings = append(findings, cli.Finding{Part: "isolation", What: "refused", Found: why})
	}
	for _, r := range d.runtimes {
		found := r.Describe(ctx)
		f := cli.Finding{Part: "runtime", What: r.Name(), OK: found != "", Found: found}
		if found == "" {
			f.Found, f.Remedy = "nothing", fail.HintOf(r.Check(ctx, ""))
		}
		findings = append(findings, f)
	}
	return append(findings, queues()), nil
}

// queues tells of POSIX message queues, whose limits are the kernel's.
func queues() cli.Finding {
	const limits = "/proc/sys/fs/mqueue/"
	f := cli.Finding{Part: "link", What: "message queues"}
	var values []string
	for _, name := range []string{"msg_max", "msgsize_max", "queues_max"} {
		text, err := os.ReadFile(filepath.Join(limits, name))
		if err != nil {
			f.Found, f.Remedy = "none: "+err.Error(), "Use a kernel with CONFIG_POSIX_MQUEUE, or `ipc: unix`."
			return f
		}
		values = append(values, name+" "+strings.TrimSpace(string(text)))
	}
	f.OK, f.Found = true, strings.Join(values, ", ")
	return f
}

// quiet are options for looking, not running.
func quiet() cli.UpOptions { return cli.UpOptions{Log: slog.New(slog.DiscardHandler)} }
