package engine

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/artifact"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/spec"
)

// What the engine keeps, below Options.Dir:
//
//	artifacts/                        the store of archives
//	fetch/<hex>                       an archive that has come in part
//	apps/<name>/record.json           see record
//	apps/<name>/versions/<v>-<d12>/   the unpacked code of a version
//	apps/<name>/data/                 the application's own, over all versions
const (
	appsFolder     = "apps"
	artifactFolder = "artifacts"
	fetchFolder    = "fetch"
	recordFile     = "record.json"
	versionsFolder = "versions"
	dataFolder     = "data"
)

func (a *application) recordPath() string { return filepath.Join(a.dir, recordFile) }
func (a *application) dataPath() string   { return filepath.Join(a.dir, dataFolder) }

// versionPath is where the code of a version is, or would be.
func (a *application) versionPath(d *spec.DesiredApplication) string {
	return filepath.Join(a.dir, versionsFolder, string(d.Version)+"-"+d.Artifact.Hex()[:12])
}

// makeFolders makes the application's directories. Others may pass through them: in
// mode user the application does too. What is in data is its own.
func (a *application) makeFolders() error {
	for path, mode := range map[string]fs.FileMode{a.dir: 0o711, filepath.Join(a.dir, versionsFolder): 0o711, a.dataPath(): 0o700} {
		if err := os.MkdirAll(path, mode); err != nil {
			return diskError(err, "make directory", path)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask is
			return diskError(err, "make directory", path)
		}
	}
	return diskError(os.Chown(a.dataPath(), a.uid, a.gid), "make directory", a.dataPath())
}

// writeRecord replaces the record: after a power cut it is the old or the new.
func (a *application) writeRecord(r record) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fail.Wrap(err, fail.Internal, "write record", a.recordPath())
	}
	if err := os.MkdirAll(a.dir, 0o711); err != nil {
		return diskError(err, "write record", a.dir)
	}
	return diskError(durable.Replace(a.recordPath(), append(text, '\n')), "write record", a.recordPath())
}

// diskError says what a full disk means.
func diskError(err error, op, path string) error {
	if err == nil {
		return nil
	}
	if durable.Full(err) {
		return fail.New(fail.Exhausted, op, "%w", err).On(path).
			WithHint("The device's disk is full: free some space, for instance by deleting applications that are not needed.")
	}
	return fail.Wrap(err, fail.Internal, op, path)
}

// readRecord gives false if there is none, or none that can be read: that one is put
// aside, and what the server says counts.
func readRecord(path string) (r record, ok bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	if err == nil {
		if err = json.Unmarshal(text, &r); err == nil {
			return r, true, nil
		}
	}
	return record{}, false, errors.Join(fail.Wrap(err, fail.Internal, "read record", path), os.Rename(path, path+".unreadable"))
}

func temporary(name string) bool { return strings.HasPrefix(name, artifact.TempPrefix) }
