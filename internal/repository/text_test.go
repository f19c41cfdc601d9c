package repository

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every package says what it is for: the tree is read before any function is.
func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		pkg := path.Dir(file)
		documented[pkg] = documented[pkg] || parsed.Doc != nil
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment: say what it is for, who calls it, what it promises", pkg)
		}
	}
}

// What runs at start is wired in package app, in reading order; an init() runs
// unseen, in every command, and costs each start. The sandbox's helper is the exception: it
// ends in its own, so that a start does not pay for what others prepare.
func TestNoInit(t *testing.T) {
	const helper = "device/sandbox/jail/main.go"
	for _, file := range goFiles(t) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" && file != helper {
				t.Errorf("%s has an init function", file)
			}
		}
	}
}

// maxLines is the longest a source file may be before it is two things in one.
const maxLines = 600

func TestFileLength(t *testing.T) {
	source := regexp.MustCompile(`\.(go|ts|tsx|py|c|h|cpp|java|js)$`)
	for _, file := range tracked(t) {
		if !source.MatchString(file) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			continue // deleted, not yet committed
		}
		if n := bytes.Count(text, []byte("\n")); n > maxLines {
			t.Errorf("%s has %d lines, more than %d: part it by what it does", file, n, maxLines)
		}
	}
}

// Registries are reached by package name through their clients, wherever those
// are pointed; a host name in the tree breaks installs behind a mirror. Built
// or foreign files do not belong in the tree either.
func TestTreeIsClean(t *testing.T) {
	hosts := regexp.MustCompile(strings.Join([]string{
		`proxy\.golang` + `\.org`, `registry\.npm` + `js\.`, `pypi` + `\.org`, `pythonhosted` + `\.org`,
		`repo1?\.maven` + `\.`, `crates` + `\.io/api`, `deb\.debian` + `\.org`,
	}, "|"))
	foreign := regexp.MustCompile(`(^|/)(node_modules|vendor|__pycache__|target)/|(^|/)dist/[^.]|\.pyc$`)
	for _, file := range tracked(t) {
		if foreign.MatchString(file) {
			t.Errorf("%s is generated or foreign: it does not belong in the tree", file)
		}
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			continue
		}
		if where := hosts.FindIndex(text); where != nil {
			line := 1 + bytes.Count(text[:where[0]], []byte("\n"))
			t.Errorf("%s:%d names the host of a package registry", file, line)
		}
	}
}

// tracked are the files git knows or would add.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skip("not a git checkout: ", err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
}
