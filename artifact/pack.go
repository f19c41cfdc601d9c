package artifact

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"fescue.dev/fescue/fail"
)

// IgnoreFile names, in a directory that is packed, what is left out: one
// pattern a line in the form of path.Match. A pattern without a slash is
// compared with each name, one with a slash with the whole path; a last slash
// restricts it to directories; lines that begin with # are comments.
const IgnoreFile = ".fescueignore"

// always is left out of every artifact: it differs from machine to machine.
var always = []string{".git/", "__pycache__/", ".venv/", "node_modules/.cache/", ".DS_Store", IgnoreFile}

// PackOptions change what is packed.
type PackOptions struct {
	Ignore []string // further patterns, in the form of [IgnoreFile]
}

// Pack writes the files of dir as a tar.gz. The same files give the same bytes,
// wherever and whenever they are packed: entries are sorted, times and owners
// left out, modes reduced to 0644 and 0755.
func Pack(w io.Writer, dir string, o PackOptions) (Info, error) {
	const op = "pack artifact"
	ignore, err := readIgnore(filepath.Join(dir, IgnoreFile))
	if err != nil {
		return Info{}, fail.Wrap(err, fail.Invalid, op, dir)
	}
	z := gzip.NewWriter(w)
	p := &packer{dir: dir, tar: tar.NewWriter(z), ignore: append(append(ignore, always...), o.Ignore...)}
	err = filepath.WalkDir(dir, p.visit)
	if err == nil {
		err = errors.Join(p.tar.Close(), z.Close())
	}
	if err == nil && p.info.Files == 0 {
		err = fail.New(fail.Invalid, op, "there are no files to pack")
	}
	if err != nil {
		return Info{}, fail.Wrap(err, fail.Internal, op, dir)
	}
	return p.info, nil
}

func readIgnore(file string) ([]string, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	var patterns []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if _, err := path.Match(line, ""); err != nil {
			return nil, fail.New(fail.Invalid, "read ignore file", "the pattern %q is malformed", line).On(file)
		}
		patterns = append(patterns, line)
	}
	return patterns, lines.Err()
}

type packer struct {
	dir    string
	tar    *tar.Writer
	ignore []string
	info   Info
}

// visit is called in the order of names, parents first.
func (p *packer) visit(file string, d fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	name, err := filepath.Rel(p.dir, file)
	if err != nil || name == "." {
		return err
	}
	name = filepath.ToSlash(name)
	switch {
	case p.ignored(name, d.IsDir()):
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	case d.IsDir():
		return nil // directories come with their files
	case d.Type() == fs.ModeSymlink:
		return p.link(file, name)
	case !d.Type().IsRegular():
		return refuse(name, "is neither file, directory nor symbolic link")
	}
	return p.file(file, name)
}

func (p *packer) ignored(name string, dir bool) bool {
	for _, pattern := range p.ignore {
		if only, ok := strings.CutSuffix(pattern, "/"); ok {
			if !dir {
				continue
			}
			pattern = only
		}
		against := path.Base(name)
		if strings.Contains(pattern, "/") {
			against, pattern = name, strings.TrimPrefix(pattern, "/")
		}
		if ok, _ := path.Match(pattern, against); ok { // patterns were checked when read
			return true
		}
	}
	return false
}

func (p *packer) link(file, name string) error {
	target, err := os.Readlink(file)
	if err != nil {
		return err
	}
	if !staysInside(name, filepath.ToSlash(target)) {
		return refuse(name, "is a link to a place outside the directory")
	}
	return p.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777, Format: tar.FormatPAX})
}

func (p *packer) file(file, name string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	if err := p.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: info.Size(), Format: tar.FormatPAX}); err != nil {
		return err
	}
	n, err := io.Copy(p.tar, f)
	p.info.Files++
	p.info.Unpacked += n
	return err
}
