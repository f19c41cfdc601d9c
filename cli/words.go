package cli

import (
	"maps"
	"slices"
	"strconv"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func deploymentID(text string) (spec.DeploymentID, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, fail.New(fail.Invalid, "name deployment", "%q is not a deployment's number", text).
			WithHint("'fescue get deployments' lists them")
	}
	return spec.DeploymentID(n), nil
}
