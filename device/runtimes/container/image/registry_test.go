package image_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/device/runtimes/container/image"
	"fescue.dev/fescue/device/runtimes/container/imagetest"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// registry is one with a single image, "test/app", that gives it to those with a token, which
// everybody gets.
func registry(t *testing.T, blobs map[string][]byte) (host string) {
	t.Helper()
	const token = "anybody"
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("scope") != "repository:test/app:pull" || r.FormValue("service") != "tests" {
			t.Errorf("asked for %s", r.URL.RawQuery)
		}
		_, _ = w.Write([]byte(`{"token":"` + token + `"}`))
	})
	mux.HandleFunc("GET /v2/test/app/{kind}/{digest}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+server.URL+`/token",service="tests",scope="repository:test/app:pull"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		data, ok := blobs[r.PathValue("digest")]
		isManifest := strings.HasPrefix(string(data), "{") && !strings.Contains(string(data), "rootfs")
		if !ok || isManifest != (r.PathValue("kind") == "manifests") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(data)
	})
	return strings.TrimPrefix(server.URL, "http://")
}

// An image is pulled through an index of platforms, with a token for anybody, and has the digests
// that were asked for.
func TestRegistry(t *testing.T) {
	i := imagetest.Image{Layers: [][]byte{imagetest.Layer(t, entry{Name: "a", Text: "x"})}}
	blobs, manifest := i.Blobs(t)
	index := `{"manifests":[{"digest":"sha256:` + strings.Repeat("0", 64) + `","platform":{"os":"linux","architecture":"pdp11"}},` +
		`{"digest":"` + manifest + `","platform":{"os":"linux","architecture":"` + runtime.GOARCH + `"}},` +
		`{"digest":"sha256:` + strings.Repeat("1", 64) + `","platform":{"os":"unknown","architecture":"unknown"}}]}`
	blobs[imagetest.Digest([]byte(index))] = []byte(index)
	reference := spec.ImageReference(registry(t, blobs) + "/test/app:1.0@" + imagetest.Digest([]byte(index)))
	if err := reference.Validate(); err != nil {
		t.Fatal(err)
	}
	pull := func(reference spec.ImageReference) (string, error) {
		got, err := image.Registry{HTTP: http.DefaultClient}.FromRegistry(context.Background(), reference, runtime.GOARCH)
		if err != nil {
			return "", err
		}
		return unpack(t, got)
	}
	tree, err := pull(reference)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a = x"}, list(t, tree)); diff != "" {
		t.Error(diff)
	}
	host, _, _ := reference.Parts()
	if _, err := pull(spec.ImageReference(host + "/test/app@sha256:" + strings.Repeat("f", 64))); !fail.Is(err, fail.NotFound) {
		t.Errorf("an image that is not there: %v", err)
	}
	for digest := range blobs { // a registry that lies
		if digest != imagetest.Digest([]byte(index)) && digest != manifest && !strings.Contains(string(blobs[digest]), "rootfs") {
			blobs[digest] = imagetest.Gzip(t, imagetest.Layer(t, entry{Name: "evil"}))
		}
	}
	if _, err := pull(reference); !fail.Is(err, fail.Invalid) || !strings.Contains(err.Error(), "digest") {
		t.Errorf("another layer: %v", err)
	}
	if _, err := pull(spec.ImageReference("localhost:1/test/app@" + manifest)); !fail.Is(err, fail.Unavailable) || fail.HintOf(err) == "" {
		t.Errorf("no registry: %v", err)
	}
}
