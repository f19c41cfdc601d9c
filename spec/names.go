package spec

import "time"

// Name is an application's name: a DNS label (RFC 1123), 1 to 63 of a-z, 0-9
// and '-', beginning and ending with a letter or digit.
type Name string

// DeviceID names a device; same form as [Name].
type DeviceID string

// Version is a semantic version (semver.org 2.0.0), without a leading v.
type Version string

// Range is a condition on versions: ">=1.2 <2", "^1.4", "*".
type Range string

// Runtime is a runtime environment and, optionally, a condition on its version:
// "python", "python >=3.11".
type Runtime string

// The runtimes this version runs.
const (
	RuntimePython = "python"
	RuntimeNative = "native"
	RuntimeNode   = "node"
	RuntimeJava   = "java"
	RuntimeCpp    = "cpp"
	RuntimeWasm   = "wasm"
	// RuntimeContainer runs the programs of an image.
	RuntimeContainer = "container"
)

// Platform is an operating system, optionally with an architecture, in Go's
// names: "linux", "linux/arm64".
type Platform string

// Topic is an MQTT topic name, 'a/b/c', no wildcards.
type Topic string

// Filter is an MQTT topic filter: '+' stands for one level, a last '#' for any
// number of levels, its parent included.
type Filter string

// Digest names content by its SHA-256: "sha256:" and 64 hexadecimal digits.
type Digest string

// Duration is written as Go does ("1m30s", "500ms"), in YAML and JSON.
type Duration time.Duration

// Bytes is an amount of memory or disk, written "64MiB", "1.5GB" or as a number.
type Bytes int64
