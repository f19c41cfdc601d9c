package cli

import (
	"os"
	"strings"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// isPath tells a directory from the name of a stored application: it has a
// separator, is "." or "..", or is there.
func isPath(what string) bool {
	if strings.ContainsRune(what, os.PathSeparator) || what == "." || what == ".." {
		return true
	}
	info, err := os.Stat(what)
	return err == nil && info.IsDir()
}

// splitVersion parts "name@version"; without a version it is "", the latest.
func splitVersion(what string) (spec.Name, spec.Version, error) {
	text, versionText, versioned := strings.Cut(what, "@")
	name, err := spec.ParseName(text)
	if err != nil {
		return "", "", fail.Wrap(err, fail.Invalid, "name application", what)
	}
	if !versioned {
		return name, "", nil
	}
	version, err := spec.ParseVersion(versionText)
	return name, version, fail.Wrap(err, fail.Invalid, "name version", what)
}

func deviceIDs(names []string) []spec.DeviceID {
	var ids []spec.DeviceID
	for _, n := range names {
		ids = append(ids, spec.DeviceID(n))
	}
	return ids
}
