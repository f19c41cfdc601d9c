package engine

import "context"

// healthy waits until the version is up: a function's worker has loaded its handler, a
// service's commands have kept running for a moment.
func (d *deployment) healthy(ctx context.Context) (skipped bool, err error) {
	if d.next == nil {
		return true, nil
	}
	return false, d.next.healthy(ctx)
}
