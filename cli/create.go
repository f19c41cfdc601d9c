package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/artifact"
	"fescue.dev/fescue/client"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func (s *session) createCommand() *cobra.Command {
	c := &cobra.Command{Use: "create", Short: "Store an artifact or a configuration, or make a credential or a token"}
	c.AddCommand(s.createArtifactCommand(), s.createConfigurationCommand(), s.createCredentialCommand(), s.createTokenCommand())
	return c
}

func (s *session) createArtifactCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "artifact PATH",
		Short: "Pack a directory, or take an archive, and store it",
		Long: `Store the code of an application and print its digest.

PATH is a directory, which is packed (what .fescueignore names is left out), or an
archive: tar, tar.gz or zip. The same content is stored once.`,
		Example: `  fescue create artifact ./hello
  fescue create artifact hello-1.0.tar.gz`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			api, err := s.client()
			if err != nil {
				return err
			}
			stored, err := sendArtifact(c.Context(), api, a[0])
			if err != nil {
				return err
			}
			if s.format == "table" {
				_, err = fmt.Fprintln(s.Stdout, stored.Digest)
				return err
			}
			return s.print(stored, table{})
		},
	}
	s.formatFlag(c)
	return c
}

// sendArtifact streams a directory, packed on the way, or an archive to the server.
func sendArtifact(ctx context.Context, api *client.Client, path string) (spec.Artifact, error) {
	const op = "send artifact"
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return spec.Artifact{}, fail.New(fail.NotFound, op, "there is no such file or directory").On(path)
	}
	if err != nil {
		return spec.Artifact{}, fail.Wrap(err, fail.Internal, op, path)
	}
	if !info.IsDir() {
		f, err := os.Open(path)
		if err != nil {
			return spec.Artifact{}, fail.Wrap(err, fail.Internal, op, path)
		}
		defer f.Close() //nolint:errcheck // only read
		return api.CreateArtifact(ctx, f)
	}
	r, w := io.Pipe()
	go func() {
		_, err := artifact.Pack(w, path, artifact.PackOptions{})
		w.CloseWithError(err)
	}()
	stored, err := api.CreateArtifact(ctx, r)
	r.CloseWithError(errors.New("the upload ended")) // so that the packer ends in any case
	return stored, err
}

func (s *session) createConfigurationCommand() *cobra.Command {
	var digest string
	c := &cobra.Command{
		Use:   "configuration FILE",
		Short: "Check a configuration and store it with its artifact",
		Long: `Check a configuration and store it as a version of its application.

All faults are told at once. A version is immutable: the same text and artifact
again is no error, other content under the same name and version is.`,
		Example: `  fescue create configuration hello/fescue.yaml --artifact sha256:…`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			api, err := s.client()
			if err != nil {
				return err
			}
			version, err := sendConfiguration(c.Context(), api, a[0], spec.Digest(digest))
			if err != nil {
				return err
			}
			t := table{columns: []string{"NAME", "VERSION", "ARTIFACT"}}
			t.add(string(version.Name), string(version.Version), short(string(version.Artifact)))
			return s.print(version, t)
		},
	}
	c.Flags().StringVar(&digest, "artifact", "", "digest that 'fescue create artifact' printed")
	if err := c.MarkFlagRequired("artifact"); err != nil {
		panic(err) // the flag is defined one line above
	}
	s.formatFlag(c)
	return c
}

func readConfiguration(path string) ([]byte, error) {
	const op = "read configuration"
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fail.New(fail.NotFound, op, "there is no such file").On(path).
			WithHint("'fescue init python %s' writes a small application to start from", filepath.Base(filepath.Dir(path)))
	}
	return text, fail.Wrap(err, fail.Internal, op, path)
}

func sendConfiguration(ctx context.Context, api *client.Client, path string, digest spec.Digest) (spec.ApplicationVersion, error) {
	text, err := readConfiguration(path)
	if err != nil {
		return spec.ApplicationVersion{}, err
	}
	if _, err := spec.Decode(path, text); err != nil {
		return spec.ApplicationVersion{}, err // the faults, under the file's own name, without a round trip
	}
	version, err := api.CreateConfiguration(ctx, string(text), digest)
	return version, err
}
