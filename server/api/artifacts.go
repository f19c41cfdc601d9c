package api

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/artifact"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// Paged is what every list takes.
type Paged struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many items a page has at most."`
	Cursor string `query:"cursor" maxLength:"200" doc:"'next' of the page before."`
}

func (p Paged) page() store.Page { return store.Page{Limit: p.Limit, Cursor: p.Cursor} }

// listOf is a page of a list.
type listOf[T any] struct{ Body store.List[T] }

// madeOr is a record with 201 when it was made and 200 when it was there.
type madeOr[T any] struct {
	Status int
	Body   T
}

func made[T any](record T, created bool) *madeOr[T] {
	if created {
		return &madeOr[T]{http.StatusCreated, record}
	}
	return &madeOr[T]{http.StatusOK, record}
}

// one is a single record.
type one[T any] struct{ Body T }

type artifactInput struct {
	Exchanged
	Digest string `header:"Fescue-Digest" doc:"The digest that the content must have; other content is refused."`
}

func (s *Server) artifactRoutes() {
	op := add(s, forAdmin, huma.Operation{
		OperationID: "create-artifact", Method: http.MethodPost, Path: "/v1/artifacts", Tags: []string{"Artifacts"}, DefaultStatus: http.StatusCreated,
		Summary: "Store an archive of code",
		Description: "The body is the archive: tar, tar.gz or zip, streamed; its length need not be known. The same content is stored once: " +
			"201 when it is new, 200 when it was there. An archive that cannot be unpacked safely is refused.",
	}, s.createArtifact)
	op.RequestBody = binaryBody("The archive.")
	op.Responses["200"] = &huma.Response{Description: "It was there already.", Content: op.Responses["201"].Content}
	add(s, forAdmin, huma.Operation{
		OperationID: "list-artifacts", Method: http.MethodGet, Path: "/v1/artifacts", Tags: []string{"Artifacts"}, Summary: "List artifacts",
	}, func(ctx context.Context, in *struct{ Paged }) (*listOf[spec.Artifact], error) {
		list, err := s.Store.Artifacts(ctx, in.page())
		return &listOf[spec.Artifact]{list}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "get-artifact", Method: http.MethodGet, Path: "/v1/artifacts/{digest}", Tags: []string{"Artifacts"}, Summary: "Tell of an artifact",
	}, func(ctx context.Context, in *struct{ ByDigest }) (*one[spec.Artifact], error) {
		a, err := s.Store.Artifact(ctx, in.Digest)
		return &one[spec.Artifact]{a}, err
	})
	add(s, forAdmin, huma.Operation{
		OperationID: "delete-artifact", Method: http.MethodDelete, Path: "/v1/artifacts/{digest}", Tags: []string{"Artifacts"},
		Summary: "Delete an artifact", Description: "A conflict while a configuration uses it.",
	}, func(ctx context.Context, in *struct{ ByDigest }) (*struct{}, error) {
		return nil, s.deleteArtifact(ctx, in.Digest)
	})
	op = add(s, forEither, huma.Operation{
		OperationID: "get-artifact-content", Method: http.MethodGet, Path: "/v1/artifacts/{digest}/content", Tags: []string{"Artifacts"},
		Summary:     "Get an archive",
		Description: "Ranges are served, and the entity tag is the digest, so that a download that broke off goes on where it ended. A device gets what it is to run.",
	}, s.artifactContent)
	op.Responses["200"] = binaryResponse("The archive.")
	op.Responses["206"] = binaryResponse("A part of it.")
}

func (s *Server) createArtifact(ctx context.Context, in *artifactInput) (*madeOr[spec.Artifact], error) {
	a, created, err := s.storeArtifact(ctx, in.r.Body, spec.Digest(in.Digest))
	if err != nil {
		return nil, err
	}
	return made(a, created), nil
}

// storeArtifact keeps an archive, looks into it, and registers it. When it
// fails nothing of it stays.
func (s *Server) storeArtifact(ctx context.Context, body io.Reader, want spec.Digest) (spec.Artifact, bool, error) {
	digest, size, err := s.keep(ctx, body, want)
	if err != nil {
		return spec.Artifact{}, false, err
	}
	defer s.artifacts.lock(digest)()
	if a, err := s.Store.Artifact(ctx, digest); err == nil || !fail.Is(err, fail.NotFound) {
		return a, false, err
	}
	if !s.Artifacts.Has(digest) {
		return spec.Artifact{}, false, fail.New(fail.Conflict, "store artifact", "it was deleted in the same moment").On(string(digest)).WithHint("Send it again.")
	}
	contents, err := s.contents(ctx, digest)
	if err == nil {
		a := spec.Artifact{Digest: digest, Size: size, Unpacked: contents.Unpacked, Files: contents.Files}
		var created bool
		if a, created, err = s.Store.PutArtifact(ctx, a); err == nil {
			return a, created, nil
		}
	}
	if removal := s.Artifacts.Delete(digest); removal != nil {
		s.Log.Warn("an artifact that was refused stays behind until the next start", "digest", digest, "error", removal)
	}
	return spec.Artifact{}, false, err
}

func (s *Server) keep(ctx context.Context, body io.Reader, want spec.Digest) (spec.Digest, int64, error) {
	if want == "" {
		digest, size, _, err := s.Artifacts.Put(ctx, body, s.Limits)
		return digest, size, err
	}
	counted := &counter{r: body}
	err := s.Artifacts.PutVerified(ctx, counted, s.Limits, want)
	return want, counted.n, err
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// contents looks into a stored archive.
func (s *Server) contents(ctx context.Context, d spec.Digest) (artifact.Contents, error) {
	f, err := s.Artifacts.Get(d)
	if err != nil {
		return artifact.Contents{}, err
	}
	defer f.Close() // only read
	return artifact.List(ctx, f, s.Limits)
}

func (s *Server) deleteArtifact(ctx context.Context, d spec.Digest) error {
	defer s.artifacts.lock(d)()
	if err := s.Store.DeleteArtifact(ctx, d); err != nil {
		return err
	}
	return s.Artifacts.Delete(d)
}

// sweep removes archives that were kept but never registered: the process was
// killed in between.
func (s *Server) sweep(ctx context.Context) error {
	kept, err := s.Artifacts.List()
	if err != nil {
		return fail.Wrap(err, fail.Internal, "sweep artifacts", "")
	}
	for _, d := range kept {
		_, err := s.Store.Artifact(ctx, d)
		if fail.Is(err, fail.NotFound) {
			err = s.Artifacts.Delete(d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type contentInput struct {
	Exchanged
	ByDigest
}

func (s *Server) artifactContent(ctx context.Context, in *contentInput) (*huma.StreamResponse, error) {
	if err := s.mayRead(ctx, in.Digest); err != nil {
		return nil, err
	}
	f, err := s.Artifacts.Get(in.Digest)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(huma.Context) {
		defer f.Close() // only read
		h := in.w.Header()
		h.Set("Content-Type", "application/octet-stream")
		h.Set("ETag", `"`+string(in.Digest)+`"`)
		h.Set("Cache-Control", "private, max-age=31536000, immutable")
		http.ServeContent(in.w, in.r, "", time.Time{}, f)
	}}, nil
}

// mayRead: a device gets the archives of what it is to run, and no others.
func (s *Server) mayRead(ctx context.Context, d spec.Digest) error {
	device := deviceOf(ctx)
	if device == "" {
		return nil
	}
	desired, err := s.Fleet.Desired(ctx, device)
	if err != nil {
		return err
	}
	for _, a := range desired.Applications {
		if a.Artifact == d {
			return nil
		}
	}
	return fail.New(fail.NotFound, "read artifact", "the device %s is to run nothing with this artifact", device).On(string(d)).
		WithHint("Ask for the desired state again: it has changed.")
}

// keyed is a lock for each digest: registering and deleting the same content do
// not overlap.
type keyed struct {
	mu    sync.Mutex
	locks map[spec.Digest]*counted
}

type counted struct {
	sync.Mutex
	users int
}

// lock waits for the digest and returns what gives it free.
func (k *keyed) lock(d spec.Digest) (unlock func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[spec.Digest]*counted{}
	}
	l := k.locks[d]
	if l == nil {
		l = &counted{}
		k.locks[d] = l
	}
	l.users++
	k.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.locks, d)
		}
	}
}
