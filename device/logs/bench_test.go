package logs

import (
	"strings"
	"testing"

	"fescue.dev/fescue/spec"
)

func BenchmarkStream(b *testing.B) {
	for _, c := range []struct {
		name string
		line int
	}{{"line=20", 20}, {"line=100", 100}, {"line=1000", 1000}} {
		b.Run(c.name, func(b *testing.B) {
			s := open(b)
			w := s.Writer("app", "1.0.0", 8<<20).Stream(spec.StreamOut)
			line := strings.Repeat("x", c.line-1) + "\n"
			chunk := []byte(strings.Repeat(line, 32<<10/len(line))) // as io.Copy reads a pipe
			b.SetBytes(int64(len(chunk)))
			for b.Loop() {
				_, _ = w.Write(chunk)
			}
		})
	}
}
