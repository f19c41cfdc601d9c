package sandbox

import (
	"strings"
	"testing"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Isolation strict runs where everything is enforced, and is refused elsewhere, with
// what is missing; what is missing says what to do.
func TestStrict(t *testing.T) {
	s := open(t)
	o := shell("true")
	o.Isolation = spec.IsolationStrict
	missing := s.missing()
	enforced := s.Facts()[IsolationFact]
	t.Log(enforced)
	if len(missing) == 0 {
		if _, exit := run(t, s, o); !exit.Success() || enforced != IsolationFull {
			t.Errorf("%v, enforced %q", exit, enforced)
		}
		return
	}
	_, err := s.Start(t.Context(), o)
	if !fail.Is(err, fail.Unsupported) || !strings.Contains(err.Error(), missing[0]) || !strings.Contains(fail.HintOf(err), "doctor") {
		t.Errorf("%v, hint %q", err, fail.HintOf(err))
	}
	if !strings.HasPrefix(enforced, "partial") || !strings.Contains(enforced, missing[0]) {
		t.Errorf("enforced: %q, missing %v", enforced, missing)
	}
}

func TestFindingsSayWhatToDo(t *testing.T) {
	for _, f := range open(t).Findings() {
		if f.How == "" || f.Full != (f.Remedy == "") {
			t.Errorf("%+v", f)
		}
	}
}
