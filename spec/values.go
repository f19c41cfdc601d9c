package spec

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"fescue.dev/fescue/fail"
)

// ParseName checks an application's name.
func ParseName(text string) (Name, error) { return Name(text), Name(text).Validate() }

// Validate tells what is wrong with the name.
func (n Name) Validate() error { return labelFault("a name", string(n)) }

// ParseDeviceID checks a device's name.
func ParseDeviceID(text string) (DeviceID, error) { return DeviceID(text), DeviceID(text).Validate() }

// Validate tells what is wrong with the device's name.
func (d DeviceID) Validate() error { return labelFault("a device's name", string(d)) }

// labelFault checks a DNS label (RFC 1123, section 2.1), lower case.
func labelFault(what, s string) error {
	ok := len(s) >= 1 && len(s) <= 63 && s[0] != '-' && s[len(s)-1] != '-'
	for i := 0; ok && i < len(s); i++ {
		c := s[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
	}
	if ok {
		return nil
	}
	if len(s) > 64 {
		s = s[:64] + "…"
	}
	return fail.New(fail.Invalid, "", "%q is not %s", s, what).
		WithHint("Use 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit.")
}

// ParseDigest checks a digest.
func ParseDigest(text string) (Digest, error) { return Digest(text), Digest(text).Validate() }

// Validate tells what is wrong with the digest.
func (d Digest) Validate() error {
	hex, ok := strings.CutPrefix(string(d), "sha256:")
	ok = ok && len(hex) == 64
	for i := 0; ok && i < len(hex); i++ {
		ok = hex[i] >= '0' && hex[i] <= '9' || hex[i] >= 'a' && hex[i] <= 'f'
	}
	if !ok {
		return fail.New(fail.Invalid, "", "not a digest").WithHint("A digest is 'sha256:' and 64 hexadecimal digits, as 'fescue create artifact' prints it.")
	}
	return nil
}

// Hex is the digest without its algorithm.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), "sha256:") }

// Name is the runtime without its condition: "python".
func (r Runtime) Name() string {
	name, _, _ := strings.Cut(strings.TrimSpace(string(r)), " ")
	return name
}

// Range is the condition on the runtime's version, or "".
func (r Runtime) Range() Range {
	_, condition, _ := strings.Cut(strings.TrimSpace(string(r)), " ")
	return Range(strings.TrimSpace(condition))
}

// runtimeNames are the runtimes of this version, in the order of a person's choice.
var runtimeNames = [...]string{RuntimePython, RuntimeNode, RuntimeJava, RuntimeCpp, RuntimeWasm, RuntimeNative, RuntimeContainer}

// Validate tells what is wrong with the runtime.
func (r Runtime) Validate() error {
	switch name := r.Name(); {
	case slices.Contains(runtimeNames[:], name):
	default:
		return fail.New(fail.Invalid, "", "there is no runtime %q", name).WithHint("Supported are %s.", strings.Join(runtimeNames[:], ", "))
	}
	if r.Range() == "" {
		return nil
	}
	return r.Range().Validate()
}

// Validate tells what is wrong with the platform.
func (p Platform) Validate() error {
	system, arch, both := strings.Cut(string(p), "/")
	switch {
	case system == "micro":
		if both && !boardName(arch) {
			return fail.New(fail.Invalid, "", "%q is no board's name", arch).WithHint("Write micro for any board, or as the board calls itself: micro/lm3s6965evb.")
		}
		return nil
	case system != "linux":
		return fail.New(fail.Invalid, "", "there is no platform %q", string(p)).WithHint("Write linux, or linux and an architecture, such as linux/arm64; or micro, for a microcontroller.")
	case !both:
		return nil
	}
	switch arch {
	case "amd64", "arm64", "arm", "386", "riscv64", "ppc64le", "s390x", "loong64", "mips64le":
		return nil
	}
	return fail.New(fail.Invalid, "", "there is no architecture %q", arch).WithHint("Use Go's names: amd64, arm64, arm, 386, riscv64.")
}

// boardName tells whether s is a-z, 0-9 and -.
func boardName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Matches tells whether a device of the given platform is what p asks for.
func (p Platform) Matches(device Platform) bool {
	return p == "" || p == device || strings.HasPrefix(string(device), string(p)+"/")
}

// UnmarshalText reads "1m30s"; see [time.ParseDuration].
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fail.New(fail.Invalid, "", "%q is not a duration", string(text)).WithHint("Write a number with a unit: 500ms, 3s, 5m, 1h30m.")
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes the duration as [time.Duration.String] does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String is "1m30s".
func (d Duration) String() string { return time.Duration(d).String() }

// UnmarshalText reads "64MiB", "1.5GB", "4096".
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	digits := strings.TrimRight(s, "kKMGTiB ")
	unit, known := units[strings.TrimSpace(s[len(digits):])]
	n, err := strconv.ParseFloat(digits, 64)
	if v := n * unit; known && err == nil && v >= 0 && v < math.MaxInt64 {
		*b = Bytes(v)
		return nil
	}
	return fail.New(fail.Invalid, "", "%q is not an amount of bytes", string(text)).WithHint("Write a number with a unit: 512KiB, 64MiB, 1.5GB.")
}

// units by IEC 80000-13 (binary) and SI (decimal). It is only read.
var units = map[string]float64{
	"": 1, "B": 1,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
}

// MarshalJSON writes a number of bytes.
func (b Bytes) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, int64(b), 10), nil }

// UnmarshalJSON reads a number of bytes, or text as UnmarshalText does.
func (b *Bytes) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) == nil {
		return b.UnmarshalText([]byte(s))
	}
	return b.UnmarshalText(text)
}

// String is the amount in the largest binary unit that fits without loss.
func (b Bytes) String() string {
	for _, u := range []struct {
		name string
		size Bytes
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if b >= u.size && b%u.size == 0 {
			return fmt.Sprintf("%d%s", b/u.size, u.name)
		}
	}
	return fmt.Sprintf("%dB", b)
}
