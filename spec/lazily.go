package spec

import (
	"regexp"
	"sync"
)

// lazily compiles an expression when it is first needed: the binary is started again for every
// program of an application, which needs none.
func lazily(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
