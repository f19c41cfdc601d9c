//go:build !linux

package fescue

import (
	"context"
	"io"
)

func dialQueues(context.Context, string) (io.ReadWriteCloser, error) {
	return nil, failed(Misconfigured, "", "POSIX message queues are for Linux")
}
