package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// CreateArtifact sends an archive, which is read to its end and not closed. The
// same content is stored once.
func (c *Client) CreateArtifact(ctx context.Context, archive io.Reader) (spec.Artifact, error) {
	r := &request{
		op: "send artifact", method: http.MethodPost, path: []string{"v1", "artifacts"},
		body: archive, length: lengthOf(archive), expects: true,
	}
	r.set("Content-Type", "application/octet-stream")
	return call[spec.Artifact](ctx, c, r)
}

// lengthOf is the length of a file, or -1.
func lengthOf(r io.Reader) int64 {
	f, ok := r.(*os.File)
	if !ok {
		return -1
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return -1
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return -1
	}
	return info.Size() - at
}

// Artifacts lists the stored artifacts.
func (c *Client) Artifacts(ctx context.Context) ([]spec.Artifact, error) {
	return all[spec.Artifact](ctx, c, "list artifacts", "", nil, "v1", "artifacts")
}

// Artifact is one artifact.
func (c *Client) Artifact(ctx context.Context, d spec.Digest) (spec.Artifact, error) {
	return get[spec.Artifact](ctx, c, "read artifact", string(d), nil, "v1", "artifacts", string(d))
}

// DeleteArtifact deletes an artifact that no configuration uses.
func (c *Client) DeleteArtifact(ctx context.Context, d spec.Digest) error {
	return c.do(ctx, &request{op: "delete artifact", on: string(d), method: http.MethodDelete, path: []string{"v1", "artifacts", string(d)}})
}

// ArtifactContent is an archive from a byte on, so that a download that broke off
// goes on where it ended. The caller closes it. A server that falls silent is an
// error of Read.
func (c *Client) ArtifactContent(ctx context.Context, d spec.Digest, offset int64) (io.ReadCloser, error) {
	r := &request{op: "fetch artifact", on: string(d), method: http.MethodGet, path: []string{"v1", "artifacts", string(d), "content"}}
	if offset > 0 {
		r.set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	answer, err := c.send(ctx, r)
	if err != nil {
		cancel(nil)
		if offset > 0 && isBeyond(err) {
			return io.NopCloser(strings.NewReader("")), nil // everything is there already
		}
		return nil, err
	}
	start := "bytes " + strconv.FormatInt(offset, 10) + "-"
	if offset > 0 && (answer.StatusCode != http.StatusPartialContent || !strings.HasPrefix(answer.Header.Get("Content-Range"), start)) {
		_ = answer.Body.Close()
		cancel(nil)
		return nil, fail.New(fail.Unavailable, r.op, "the server does not resume at byte %d", offset).On(r.on).WithHint("Fetch it from its beginning.")
	}
	return newIdleBody(answer.Body, cancel, c.timing.idle), nil
}

// CreateConfiguration checks a configuration and stores it with its artifact.
// What is wrong with it are spec.Faults in the error.
func (c *Client) CreateConfiguration(ctx context.Context, text string, artifact spec.Digest) (v spec.ApplicationVersion, err error) {
	r := &request{op: "store configuration", method: http.MethodPost, path: []string{"v1", "configurations"}}
	if err := r.record(map[string]any{"text": text, "artifact": artifact}); err != nil {
		return v, err
	}
	return call[spec.ApplicationVersion](ctx, c, r)
}

// Check is what a check of a configuration found.
type Check struct {
	Faults        spec.Faults         `json:"faults"`
	Warnings      []string            `json:"warnings"`
	Configuration *spec.Configuration `json:"configuration"` // nil with faults
}

// CheckConfiguration tells what is wrong with a configuration and stores nothing;
// with an artifact it looks for the files that the configuration names.
func (c *Client) CheckConfiguration(ctx context.Context, text string, artifact spec.Digest) (k Check, err error) {
	r := &request{op: "check configuration", method: http.MethodPost, path: []string{"v1", "configurations", "check"}}
	body := map[string]any{"text": text}
	if artifact != "" {
		body["artifact"] = artifact
	}
	if err := r.record(body); err != nil {
		return k, err
	}
	return call[Check](ctx, c, r)
}

// Configurations lists stored versions, oldest first, of one application or (name
// "") of all.
func (c *Client) Configurations(ctx context.Context, name spec.Name) ([]spec.ApplicationVersion, error) {
	return all[spec.ApplicationVersion](ctx, c, "list configurations", string(name), named(name), "v1", "configurations")
}

// Configuration is a stored version; with version "" the latest.
func (c *Client) Configuration(ctx context.Context, name spec.Name, version spec.Version) (spec.ApplicationVersion, error) {
	query := url.Values{}
	if version != "" {
		query.Set("version", string(version))
	}
	return get[spec.ApplicationVersion](ctx, c, "read configuration", string(name), query, "v1", "configurations", string(name))
}

// DeleteConfiguration deletes a version that no device holds.
func (c *Client) DeleteConfiguration(ctx context.Context, name spec.Name, version spec.Version) error {
	return c.do(ctx, &request{
		op: "delete configuration", on: string(name) + " " + string(version),
		method: http.MethodDelete, path: []string{"v1", "configurations", string(name), string(version)},
	})
}

func named(name spec.Name) url.Values {
	query := url.Values{}
	if name != "" {
		query.Set("name", string(name))
	}
	return query
}
