package engine

import (
	"context"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// waitedCommands runs the commands that are waited for, in order. They prepare
// the version and may change its directory, which then belongs to the application's
// user; afterwards it is shown read-only. A version that has been switched to is prepared
// already.
func (d *deployment) waitedCommands(ctx context.Context) (skipped bool, err error) {
	commands := waitedFor(&d.desired.Configuration)
	if len(commands) == 0 || sameRelease(d.record().Active, d.desired) {
		return true, nil
	}
	if err := chownTree(d.launcher.dir, d.uid, d.gid); err != nil {
		return false, err
	}
	for _, c := range commands {
		if err := d.runCommand(ctx, c); err != nil {
			return false, err
		}
	}
	return false, nil
}

func waitedFor(c *spec.Configuration) []spec.Command {
	var commands []spec.Command
	for _, command := range c.Commands {
		if command.Wait {
			commands = append(commands, command)
		}
	}
	return commands
}

func (d *deployment) runCommand(ctx context.Context, c spec.Command) error {
	limit := time.Duration(c.Timeout)
	if limit <= 0 {
		limit = time.Duration(spec.DefaultCommandTimeout)
	}
	bound, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	d.launcher.log.Note("info", "running "+c.Run)
	o := d.launcher.command(c)
	o.ReadWrite = append(o.ReadWrite, d.launcher.dir)
	// A compiler needs more than what it compiles; the group is another, for the limits are.
	o.Application += ".build"
	o.Limits.Memory, o.Limits.Processes = max(o.Limits.Memory, buildMemory), max(o.Limits.Processes, buildProcesses)
	err := d.launcher.runToEnd(bound, o, nil)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case bound.Err() != nil:
		return fail.New(fail.Timeout, "run command", "%q did not end within %v and was stopped", shorten(c.Run), limit).
			WithHint("Raise the command's `timeout`, or leave `wait` out if it is meant to keep running.")
	}
	return fail.New(fail.Invalid, "run command", "%q %w", shorten(c.Run), err).
		WithHint("See its last output; the command must exit with status 0.")
}

// runToEnd runs a program until it has ended, or ctx has. An exit status other than 0 is an
// error.
func (l *launcher) runToEnd(ctx context.Context, o sandbox.Options, also io.Writer) error {
	p, err := l.start(ctx, o, also)
	if err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.stop(time.Second)
		return context.Cause(ctx)
	}
	if p.exit.Success() {
		return nil
	}
	return fail.New(fail.Invalid, "", "%s", p.exit)
}

// walkAll calls f for dir and everything in it, following no links.
func walkAll(dir string, f func(path string) error) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return f(path)
	})
}
