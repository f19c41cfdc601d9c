package spec

import (
	"strings"

	"github.com/Masterminds/semver/v3"

	"fescue.dev/fescue/fail"
)

// ParseVersion checks a semantic version (semver.org 2.0.0): three numbers,
// optionally a pre-release and a build, no leading v.
func ParseVersion(text string) (Version, error) { return Version(text), Version(text).Validate() }

// Validate tells what is wrong with the version.
func (v Version) Validate() error {
	if len(v) > 128 {
		return fail.New(fail.Invalid, "", "a version has at most 128 characters")
	}
	if _, err := semver.StrictNewVersion(string(v)); err != nil {
		return fail.New(fail.Invalid, "", "%q is not a semantic version", string(v)).WithHint("Write three numbers, such as 1.0.0 or 2.1.0-beta.1.")
	}
	return nil
}

// Compare orders versions by precedence: -1, 0 or +1. Versions of the same
// precedence that differ in build metadata are ordered by it as text, so that
// the order is total. An invalid version comes before all valid ones.
func (v Version) Compare(w Version) int {
	a, errA := semver.StrictNewVersion(string(v))
	b, errB := semver.StrictNewVersion(string(w))
	switch {
	case errA != nil && errB != nil:
		return strings.Compare(string(v), string(w))
	case errA != nil:
		return -1
	case errB != nil:
		return 1
	}
	if c := a.Compare(b); c != 0 {
		return c
	}
	return strings.Compare(a.Metadata(), b.Metadata())
}

// ParseRange checks a condition on versions.
func ParseRange(text string) (Range, error) { return Range(text), Range(text).Validate() }

// Validate tells what is wrong with the range.
func (r Range) Validate() error {
	if len(r) > 256 {
		return fail.New(fail.Invalid, "", "a version range has at most 256 characters")
	}
	if _, err := semver.NewConstraint(string(r)); err != nil {
		return fail.New(fail.Invalid, "", "%q is not a version range", string(r)).WithHint("Write conditions such as '>=1.2 <2', '^1.4', '~1.2.3' or '*'.")
	}
	return nil
}

// Contains tells whether the version is in the range. An empty range holds all.
func (r Range) Contains(v Version) bool {
	return r.ContainsLoose(string(v))
}

// ContainsLoose is [Range.Contains] for versions that other programs print,
// which may have fewer than three numbers ("3.11").
func (r Range) ContainsLoose(version string) bool {
	if r == "" {
		return true
	}
	c, err := semver.NewConstraint(string(r))
	if err != nil {
		return false
	}
	parsed, err := semver.NewVersion(version)
	return err == nil && c.Check(parsed)
}

// PreRelease tells a version such as 1.0.0-beta.1.
func (v Version) PreRelease() bool {
	p, err := semver.StrictNewVersion(string(v))
	return err == nil && p.Prerelease() != ""
}
