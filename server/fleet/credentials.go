package fleet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// CreateCredential makes a login with a new secret, which is returned and not
// kept. Devices it concerns are told.
func (f *Fleet) CreateCredential(ctx context.Context, c spec.Credential) (spec.Credential, string, error) {
	const op = "create credential"
	if err := c.Name.Validate(); err != nil {
		return c, "", fail.New(fail.Invalid, op, "name: %w", err)
	}
	for list, filters := range map[string][]spec.Filter{"subscribe": c.Subscribe, "publish": c.Publish} {
		for i, filter := range filters {
			if err := filter.Validate(); err != nil {
				return c, "", fail.New(fail.Invalid, op, "%s[%d]: %w", list, i, err)
			}
		}
	}
	if len(c.Subscribe)+len(c.Publish) == 0 {
		return c, "", fail.New(fail.Invalid, op, "it may neither publish nor subscribe").On(string(c.Name)).
			WithHint("Name the topics it may use.")
	}
	if c.Device != "" {
		if _, err := f.store.Device(ctx, c.Device); err != nil {
			return c, "", err
		}
	}
	secret := newSecret()
	c, devices, err := f.store.CreateCredential(ctx, c, secret)
	if err != nil {
		return c, "", err
	}
	f.tell(devices)
	return c, secret, nil
}

// newSecret is 160 random bits, short enough to be typed into a sensor's form.
func newSecret() string {
	var b [20]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(fmt.Sprintf("the system has no random numbers: %v", err)) // crypto/rand promises not to fail
	}
	return hex.EncodeToString(b[:])
}

// DeleteCredential revokes a login; clients that use it are disconnected.
func (f *Fleet) DeleteCredential(ctx context.Context, name spec.Name) error {
	devices, err := f.store.DeleteCredential(ctx, name)
	if err == nil {
		f.tell(devices)
	}
	return err
}

// Credentials lists the logins.
func (f *Fleet) Credentials(ctx context.Context) ([]spec.Credential, error) {
	return f.store.Credentials(ctx)
}
