package test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// The doctor needs no server, and what it says is what the device's record says and
// what `isolation: strict` goes by.
func TestDoctor(t *testing.T) {
	out, err := exec.Command(binary, "doctor", "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var findings []struct {
		Part, What, Found, Remedy string
		OK                        bool
	}
	if err := json.Unmarshal(out, &findings); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	m := newMachine(t)
	var devices []struct{ Facts map[string]string }
	m.eventually("the device has told its facts", func() error {
		m.record(&devices, "get", "devices")
		if devices[0].Facts["isolation.user"] == "" { // it registers before it has found out
			return fmt.Errorf("facts %v", devices[0].Facts)
		}
		return nil
	})
	whole := true
	for _, f := range findings {
		if !f.OK && f.Remedy == "" && f.What != "refused" {
			t.Errorf("%s is missing, and nothing says what to do", f.What)
		}
		if f.Part == "isolation" && f.What != "refused" {
			whole = whole && f.OK
			if fact := devices[0].Facts["isolation."+f.What]; fact != f.Found {
				t.Errorf("%s: the doctor says %q, the device %q", f.What, f.Found, fact)
			}
		}
	}
	r := m.cli("deploy", m.service("strict", "1.0.0", forever, "isolation: strict\n"))
	if (r.status == 0) != whole || !whole && !strings.Contains(r.stderr, "doctor") {
		t.Errorf("isolation is whole: %v; the deployment ended with status %d\n%s", whole, r.status, r.stderr)
	}
}
