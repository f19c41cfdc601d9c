package fleet

import (
	"strings"
	"testing"
)

const service = "name: app\nversion: 1.0.0\nruntime: native\ncommands:\n  - run: sleep 1\n"

// All that is wrong is told at once: what the text shows, what the artifact lacks,
// what the database knows.
func TestCheck(t *testing.T) {
	w := newWorld(t)
	w.version("base", "1.0.0", "")
	w.version("a", "1.0.0", "dependencies: {applications: {base: '*'}}\n")
	w.version("b", "1.0.0", "dependencies: {applications: {a: '*'}}\n")
	all := func(string) bool { return true }
	none := func(string) bool { return false }
	for what, c := range map[string]struct {
		text   string
		has    func(string) bool
		faults []string // each the field and a word of the message
	}{
		"good":                       {service, all, nil},
		"good, without artifact":     {service, nil, nil},
		"of the text, all":           {"name: Bad\nversion: x\n", all, []string{"name Bad", "version x", "runtime missing", "nothing to run"}},
		"files that are not there":   {"name: app\nversion: 1.0.0\nruntime: python\nhandler: x.y\ndependencies: {requirements: r.txt}\n", none, []string{"handler x.py", "dependencies.requirements r.txt"}},
		"files, not looked for":      {"name: app\nversion: 1.0.0\nruntime: python\nhandler: x.y\n", nil, nil},
		"needs what there is":        {service + "dependencies: {applications: {base: '^1'}}\n", all, nil},
		"needs what there is not":    {service + "dependencies: {applications: {missing: '^1'}}\n", all, []string{"dependencies.applications.missing no application"}},
		"needs itself":               {service + "dependencies: {applications: {app: '*'}}\n", all, []string{"dependencies.applications.app itself"}},
		"a cycle":                    {strings.Replace(service, "name: app", "name: base", 1) + "dependencies: {applications: {b: '*'}}\n", all, []string{"dependencies.applications base → b → a → base"}},
		"a cycle and a missing file": {"name: base\nversion: 1.0.0\nruntime: python\nhandler: x.y\ndependencies: {applications: {a: '*'}}\n", none, []string{"handler x.py", "dependencies.applications base → a → base"}},
	} {
		t.Run(what, func(t *testing.T) {
			checked, err := w.Check(w.ctx, []byte(c.text), c.has)
			if err != nil {
				t.Fatal(err)
			}
			if len(checked.Faults) == 0 && checked.Configuration == nil {
				t.Error("no configuration, and no faults")
			}
			var told []string
			for _, f := range checked.Faults {
				told = append(told, f.Field+" "+f.Message)
			}
			if len(told) != len(c.faults) {
				t.Fatalf("told %q, want %q", told, c.faults)
			}
			for _, want := range c.faults {
				field, word, _ := strings.Cut(want, " ")
				if !contained(told, field, word) {
					t.Errorf("%q is not among %q", want, told)
				}
			}
		})
	}
}

func contained(told []string, words ...string) bool {
	for _, line := range told {
		found := true
		for _, word := range words {
			found = found && strings.Contains(line, word)
		}
		if found {
			return true
		}
	}
	return false
}
