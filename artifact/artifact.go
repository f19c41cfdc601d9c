// Package artifact packs, reads and keeps archives of code.
//
// The CLI packs a directory with [Pack]; the API server keeps what it is sent in
// a [Store], by content, and looks into it with [List] before it believes
// anything; a device's engine keeps its own Store and unpacks with [Unpack].
//
// It promises: an archive is never whole in memory; nothing an archive says
// leads out of the directory it is unpacked to, and nothing but regular files,
// directories and symbolic links inside comes out of it; what appears in a
// Store or under the directory's name is complete and synced to disk; whatever
// goes wrong leaves nothing behind.
package artifact

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
)

// Limits bound what an archive may hold.
type Limits struct {
	Size       int64   // bytes of the archive itself
	Unpacked   int64   // bytes of all its files
	Files      int     // entries
	PathLength int     // bytes of a path
	Ratio      float64 // unpacked bytes for each byte of the archive, beyond the first MiB
}

// DefaultLimits are generous for code with its models and wheels.
func DefaultLimits() Limits {
	return Limits{Size: 2 << 30, Unpacked: 8 << 30, Files: 200_000, PathLength: 1024, Ratio: 200}
}

// Info is what an archive amounts to.
type Info struct {
	Files    int   // regular files
	Unpacked int64 // their bytes
}

const mib = 1 << 20

// diskError gives an error of the disk its kind: a full disk is Exhausted.
func diskError(err error, op, path string) error {
	if err == nil {
		return nil
	}
	if durable.Full(err) {
		return fail.New(fail.Exhausted, op, "%w", err).On(path).
			WithHint("Free some space on the disk that holds %s, or move the state directory.", filepath.Dir(path))
	}
	if errors.Is(err, fs.ErrPermission) {
		return fail.Wrap(err, fail.Denied, op, path)
	}
	return fail.Wrap(err, fail.Internal, op, path)
}

// readError gives an error in reading an archive its kind.
func readError(err error, op string) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fail.New(fail.Invalid, op, "the archive is cut off").WithHint("Pack it again; it did not arrive, or was not written, as a whole.")
	}
	return fail.Wrap(err, fail.Invalid, op, "")
}
