package engine

import (
	"context"
	"os"

	"fescue.dev/fescue/artifact"
)

// unpack makes the version's directory. It appears complete or not at all, and
// what an interrupted deployment has left of it was removed at the agent's start.
func (d *deployment) unpack(ctx context.Context) (skipped bool, err error) {
	if err := d.makeFolders(); err != nil {
		return false, err
	}
	if d.isUnpacked() {
		return true, nil
	}
	f, err := d.engine.store.Get(d.desired.Artifact)
	if err != nil {
		return false, err
	}
	defer f.Close() // only read
	_, err = artifact.Unpack(ctx, f, d.versionPath(d.desired), artifact.DefaultLimits())
	return false, err
}

func (d *deployment) isUnpacked() bool {
	_, err := os.Stat(d.versionPath(d.desired))
	return err == nil
}
