package wasm

import (
	"context"

	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// withMemory has instances use memory of this package's: address space is reserved for
// as much as a module may ever have, and given to it as it grows. Growing a Go slice would copy
// it, and take twice the memory for a moment: more than the application may have.
func withMemory(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(reserve))
}

// memory is that of an instance.
type memory struct {
	space []byte // all that is reserved
	open  uint64 // bytes of it that can be used
}

func reserve(_, most uint64) experimental.LinearMemory {
	space, err := unix.Mmap(-1, 0, int(max(most, 1)), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return &memory{} // it cannot grow: the module is told when it tries
	}
	return &memory{space: space}
}

// Reallocate makes size bytes usable; nil if there is no room.
func (m *memory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.space)) {
		return nil
	}
	if size > m.open {
		if err := unix.Mprotect(m.space[:size], unix.PROT_READ|unix.PROT_WRITE); err != nil {
			return nil
		}
		m.open = size
	}
	return m.space[:size:size]
}

// Free gives the memory back.
func (m *memory) Free() {
	if m.space != nil {
		_ = unix.Munmap(m.space)
		m.space = nil
	}
}
