package python_test

import (
	"testing"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/runtimetest"
)

// BenchmarkColdStart is of a handler without requirements, forked and from nothing.
func BenchmarkColdStart(b *testing.B) {
	b.Run("fork", func(b *testing.B) { coldStart(b, "") })
	b.Run("fresh", func(b *testing.B) { coldStart(b, "workers: {warm: 0s}\n") })
}

func coldStart(b *testing.B, more string) {
	runtimetest.ColdStart(b,
		func(t testing.TB, d *runtimetest.Device) runtimes.Runtime { return open(t, d) },
		runtimetest.Source{
			Configuration: "runtime: python\nhandler: function.handle\n" + more,
			Files:         map[string]string{"function.py": "def handle(event, context):\n    return event[5:]\n"},
		})
}
