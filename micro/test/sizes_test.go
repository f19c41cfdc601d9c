package test

import (
	"os/exec"
	"strings"
	"testing"
)

// The sizes of the golden file are those of Debian 12's compilers; with others they
// say nothing.
func TestSizes(t *testing.T) {
	out, err := exec.Command("arm-none-eabi-gcc", "-dumpfullversion").Output()
	if err != nil {
		t.Fatalf("%v (make micro-deps installs the compilers)", err)
	}
	if version := strings.TrimSpace(string(out)); version != "12.2.1" {
		t.Skipf("the golden sizes are of gcc 12.2.1, this is %s", version)
	}
	if out, err := exec.Command("../../tools/micro-sizes.sh", "--check").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
