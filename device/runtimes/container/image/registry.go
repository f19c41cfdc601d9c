package image

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Registry pulls images over HTTP (OCI distribution specification).
type Registry struct {
	HTTP *http.Client
}

// FromRegistry finds the image for an architecture that a reference names. The blobs are
// read, from the registry, while layers are unpacked.
func (r Registry) FromRegistry(ctx context.Context, reference spec.ImageReference, arch string) (*Image, error) {
	host, name, digest := reference.Parts()
	p := &repository{client: r.HTTP, base: scheme(host) + "://" + host + "/v2/" + name}
	return find(ctx, p, digest, arch)
}

// scheme is https, but for a registry of the device itself.
func scheme(host string) string {
	bare, _, err := net.SplitHostPort(host)
	if err != nil {
		bare = host
	}
	if ip := net.ParseIP(bare); bare == "localhost" || ip != nil && ip.IsLoopback() {
		return "http"
	}
	return "https"
}

// repository is one of a registry.
type repository struct {
	client *http.Client
	base   string // https://host/v2/name
	token  string // that the registry's authorization service gave, "" without
}

const manifestTypes = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, " +
	"application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"

// open asks for a manifest or a blob.
func (r *repository) open(ctx context.Context, name string, isManifest bool) (io.ReadCloser, error) {
	path, accept := "/blobs/"+name, "*/*"
	if isManifest {
		path, accept = "/manifests/"+name, manifestTypes
	}
	answer, err := r.get(ctx, r.base+path, accept)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusUnauthorized { // or the token is too old
		challenge := answer.Header.Get("WWW-Authenticate")
		_ = answer.Body.Close() // nothing in it matters
		if r.token, err = r.authorize(ctx, challenge); err != nil {
			return nil, err
		}
		if answer, err = r.get(ctx, r.base+path, accept); err != nil {
			return nil, err
		}
	}
	if answer.StatusCode == http.StatusOK {
		return answer.Body, nil
	}
	_ = answer.Body.Close() // nothing in it matters
	return nil, refusal(answer.StatusCode, r.base+path)
}

func refusal(status int, what string) error {
	const pull = "pull image"
	switch {
	case status == http.StatusNotFound:
		return fail.New(fail.NotFound, pull, "the registry does not have it").On(what).WithHint("Check name and digest: `skopeo inspect` tells them.")
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fail.New(fail.Denied, pull, "the registry gives it to nobody without a password").On(what).
			WithHint("Put the image's archive into the artifact instead (container.archive).")
	case status >= 500, status == http.StatusTooManyRequests:
		return fail.New(fail.Unavailable, pull, "the registry answers with status %d", status).On(what)
	}
	return fail.New(fail.Invalid, pull, "the registry answers with status %d", status).On(what)
}

func (r *repository) get(ctx context.Context, address, accept string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fail.Wrap(err, fail.Invalid, "pull image", address)
	}
	request.Header.Set("Accept", accept)
	if r.token != "" {
		request.Header.Set("Authorization", "Bearer "+r.token)
	}
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, fail.New(fail.Unavailable, "pull image", "%w", err).On(address).
			WithHint("The device must reach the registry; or put the image's archive into the artifact (container.archive).")
	}
	return answer, nil
}

var challengePart = regexp.MustCompile(`(\w+)="([^"]*)"`)

// authorize gets a token for reading, as anybody (the registry's "token authentication").
func (r *repository) authorize(ctx context.Context, challenge string) (string, error) {
	kind, rest, _ := strings.Cut(challenge, " ")
	part := map[string]string{}
	for _, m := range challengePart.FindAllStringSubmatch(rest, -1) {
		part[m[1]] = m[2]
	}
	realm, err := url.Parse(part["realm"])
	if !strings.EqualFold(kind, "Bearer") || err != nil || realm.Host == "" || realm.Scheme != scheme(realm.Host) {
		return "", refusal(http.StatusUnauthorized, r.base)
	}
	query := realm.Query()
	for _, key := range []string{"service", "scope"} {
		if part[key] != "" {
			query.Set(key, part[key])
		}
	}
	realm.RawQuery = query.Encode()
	answer, err := r.get(ctx, realm.String(), "application/json")
	if err != nil {
		return "", err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	var given struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
	}
	if answer.StatusCode != http.StatusOK {
		return "", refusal(answer.StatusCode, r.base)
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&given); err != nil {
		return "", fail.Wrap(fmt.Errorf("its token cannot be read: %w", err), fail.Invalid, "pull image", r.base)
	}
	if given.Token == "" {
		given.Token = given.AccessToken
	}
	return given.Token, nil
}
