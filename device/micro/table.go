package micro

import (
	"slices"

	"fescue.dev/fescue/device/micro/module"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Boards is what the boards whose port is part of Fescue say of themselves, the smallest
// first: what `fescue build` compares a module with. The tests of micro/test
// compare it with the ports.
func Boards() []Facts {
	const whole = module.Int64 | module.Float32 | module.Float64 | module.BulkMemory
	bare := Facts{Memory: 8192, Stack: 1024, Module: 7680, Slots: 4, Functions: 2, Machine: whole, Host: HostState | HostTime}
	boards := []Facts{
		{Platform: "micro/uno", Memory: 480, Stack: 160, Module: 320, Slots: 2, Functions: 1},
		{Platform: "micro/mega", Memory: 1600, Stack: 384, Module: 768, Slots: 2, Functions: 1},
	}
	for _, platform := range []spec.Platform{"micro/lm3s6965evb", "micro/mps2-an385", "micro/rv32-virt", "micro/versatilepb"} {
		f := bare
		if f.Platform = platform; platform == "micro/lm3s6965evb" {
			f.Memory = 4096
		}
		if platform != "micro/rv32-virt" {
			f.Host |= HostGPIO
		}
		boards = append(boards, f)
	}
	return append(boards, Facts{Platform: "micro/posix", Memory: 32768, Stack: 2048, Module: 15360, Slots: 4, Functions: 2, Machine: whole, Host: HostState | HostTime})
}

// BoardOf gives the facts of a board of the table by its name, with or without micro/.
func BoardOf(name string) (Facts, error) {
	boards := Boards()
	at := slices.IndexFunc(boards, func(f Facts) bool {
		return string(f.Platform) == name || string(f.Platform) == "micro/"+name
	})
	if at < 0 {
		e := fail.New(fail.NotFound, "look up board", "there is no board %q in the table", name)
		names := ""
		for _, f := range boards {
			names += " " + string(f.Platform)
		}
		return Facts{}, e.WithHint("The table has%s; another one that is connected is named by --device.", names)
	}
	return boards[at], nil
}
