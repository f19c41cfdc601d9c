package test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// The ports for operating systems compile against the declarations that they use of
// them (systems/), warnings being errors. That they run there is not tested here.
func TestSystems(t *testing.T) {
	m3 := []string{"arm-none-eabi-gcc", "--specs=nano.specs", "-mcpu=cortex-m3", "-mthumb"}
	for system, compiler := range map[string][]string{
		"freertos/freertos.c": m3, "xinu/fescue_xinu.c": {"arm-none-eabi-gcc", "--specs=nano.specs", "-mcpu=arm1176jzf-s"},
		"l4re/fescue_l4re.c": {"cc"}, "task/task.c": m3,
	} {
		t.Run(filepath.Dir(system), func(t *testing.T) {
			args := append(compiler[1:], "-std=gnu99", "-Os", "-Wall", "-Wextra", "-Werror", "-I", "systems/"+filepath.Dir(system), "-c", "-o", filepath.Join(t.TempDir(), "port.o"), "../ports/"+system)
			if out, err := exec.Command(compiler[0], args...).CombinedOutput(); err != nil {
				t.Errorf("%v\n%.3000s", err, out)
			}
		})
	}
}
