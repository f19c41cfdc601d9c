package test

import (
	"testing"

	"fescue.dev/fescue/device/micro"
)

// inTable compares what a board says of itself with what `fescue build` knows of it.
func inTable(t *testing.T, f micro.Facts) {
	t.Helper()
	known, err := micro.BoardOf(string(f.Platform))
	if err != nil {
		t.Error(err)
		return
	}
	f.ID, f.MaxBody, f.Signed = "", 0, false
	if f.Stack == 0 { // it does not tell
		f.Stack = known.Stack
	}
	if f != known {
		t.Errorf("the board says   %+v\nthe table has    %+v (device/micro/table.go)", f, known)
	}
}
