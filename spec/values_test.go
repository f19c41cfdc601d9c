package spec

import (
	"testing"
	"time"
)

func TestVersionOrder(t *testing.T) {
	// semver.org, section 11, and build metadata behind.
	order := []Version{"nonsense", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.0+a", "1.0.0+b", "2.0.0", "2.1.0", "2.1.1", "10.0.0"}
	for i, v := range order {
		for j, w := range order {
			want := min(1, max(-1, i-j))
			if got := v.Compare(w); got != want {
				t.Errorf("%s compared with %s: %d, want %d", v, w, got, want)
			}
		}
	}
	for _, bad := range []Version{"", "1", "1.0", "v1.0.0", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0 "} {
		if bad.Validate() == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		r  Range
		v  string
		in bool
	}{
		{">=1.2 <2", "1.2.0", true}, {">=1.2 <2", "2.0.0", false}, {"^1.4", "1.9.9", true}, {"^1.4", "2.0.0", false},
		{"~1.2.3", "1.2.9", true}, {"~1.2.3", "1.3.0", false}, {"*", "7.1.0", true}, {"", "7.1.0", true}, {"1.x || 3.x", "3.2.1", true},
		{">=3.9", "3.11.2", true}, {">=3.9", "3.11", true}, {">=3.12", "3.11.2", false},
	} {
		if got := c.r.ContainsLoose(c.v); got != c.in {
			t.Errorf("%q contains %s: %v, want %v", c.r, c.v, got, c.in)
		}
	}
	if Range("newest").Validate() == nil {
		t.Error("a word was accepted as a range")
	}
}

func TestBytesAndDurations(t *testing.T) {
	for text, want := range map[string]Bytes{"0": 0, "4096": 4096, "64MiB": 64 << 20, "1.5GB": 1_500_000_000, "512 KiB": 512 << 10, "7B": 7, "2kB": 2000} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%q: %d, %v; want %d", text, b, err, want)
		}
	}
	for _, bad := range []string{"", "MiB", "-1", "1XB", "1e400", "NaN", "1MiBMiB", "9999999TiB"} {
		if err := new(Bytes).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	var d Duration
	if err := d.UnmarshalText([]byte("1m30s")); err != nil || d != Duration(90*time.Second) {
		t.Errorf("%v, %v", d, err)
	}
	for _, bad := range []string{"5", "-1s", "soon"} {
		if d.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	for b, want := range map[Bytes]string{64 << 20: "64MiB", 1500: "1500B", 3 << 30: "3GiB", 0: "0B"} {
		if b.String() != want {
			t.Errorf("%d is written %s, want %s", int64(b), b, want)
		}
	}
}

func TestNamesAndPlatforms(t *testing.T) {
	for text, ok := range map[string]bool{"a": true, "a-1": true, "1a": true, "": false, "-a": false, "a-": false, "A": false, "a.b": false, "ä": false} {
		if err := Name(text).Validate(); (err == nil) != ok {
			t.Errorf("name %q: %v", text, err)
		}
	}
	for _, c := range []struct {
		p, device Platform
		matches   bool
	}{{"linux", "linux/amd64", true}, {"linux/arm64", "linux/amd64", false}, {"linux/arm", "linux/arm64", false}, {"linux/arm", "linux/arm/v7", true}} {
		if got := c.p.Matches(c.device); got != c.matches {
			t.Errorf("%s matches %s: %v", c.p, c.device, got)
		}
	}
	r := Runtime("python  >=3.11 <4")
	if r.Name() != "python" || r.Range() != ">=3.11 <4" || r.Validate() != nil {
		t.Errorf("%q, %q, %v", r.Name(), r.Range(), r.Validate())
	}
}

// Whatever text comes: versions are ordered totally, and a range answers without
// failing.
func FuzzVersions(f *testing.F) {
	f.Add("1.0.0", "1.0.0-rc.1+b", ">=1.2 <2")
	f.Add("v1", "01.0.0", "1.x || ~3")
	f.Add("99999999999999999999.0.0", "1.0.0+a", "^0")
	f.Fuzz(func(t *testing.T, a, b, condition string) {
		v, w, r := Version(a), Version(b), Range(condition)
		if v.Compare(w) != -w.Compare(v) || v.Compare(Version(a)) != 0 {
			t.Errorf("%q and %q: %d and %d", a, b, v.Compare(w), w.Compare(v))
		}
		if v.Validate() == nil && w.Validate() == nil && v.Compare(w) == 0 && a != b {
			t.Errorf("%q and %q are the same", a, b)
		}
		if condition != "" && r.Validate() != nil && r.Contains(v) {
			t.Errorf("%q is no range and contains %q", condition, a)
		}
		if v.Validate() == nil && !Range("").Contains(v) {
			t.Errorf("%q is not in the range of all", a)
		}
	})
}
