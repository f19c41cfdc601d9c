package python_test

import (
	"testing"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/runtimetest"
)

// BenchmarkColdStart is of a handler without requirements.
func BenchmarkColdStart(b *testing.B) {
	runtimetest.ColdStart(b,
		func(t testing.TB, d *runtimetest.Device) runtimes.Runtime { return open(t, d) },
		runtimetest.Source{
			Configuration: "runtime: python\nhandler: function.handle\n",
			Files:         map[string]string{"function.py": "def handle(event, context):\n    return event[5:]\n"},
		})
}
