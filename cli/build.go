package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/device/micro/module"
	"fescue.dev/fescue/device/micro/toolchain"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/sdk"
	"fescue.dev/fescue/spec"
)

type buildOptions struct {
	board, device, signKey string
	stack                  int
}

func (s *session) buildCommand() *cobra.Command {
	var o buildOptions
	c := &cobra.Command{
		Use:   "build DIRECTORY",
		Short: "Compile a function to WebAssembly, and tell where it fits",
		Long: `Compiles the sources beside fescue.yaml into the module that its handler names: C and C++ with
clang and wasm-ld, Rust with rustc, AssemblyScript with asc. Then tells what the module takes, and
on which boards it fits. With --board or --device, or a platform such as micro/mega in the
configuration, a module that does not fit there is an error.`,
		Example: `  fescue build ./blink
  fescue build ./blink --board mega --stack 96
  fescue build ./blink --device shed`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error { return s.build(c.Context(), a[0], o) },
	}
	f := c.Flags()
	f.StringVar(&o.board, "board", "", "the board that it must fit: mega, lm3s6965evb, …")
	f.StringVar(&o.device, "device", "", "the enrolled microcontroller that it must fit")
	f.StringVar(&o.signKey, "sign-key", "", "sign the module with the private Ed25519 key of this PEM file")
	f.IntVar(&o.stack, "stack", 256, "bytes of the stack in the module's memory")
	return c
}

func (s *session) build(ctx context.Context, dir string, o buildOptions) error {
	const op = "build module"
	path := filepath.Join(dir, "fescue.yaml")
	text, err := readConfiguration(path)
	if err != nil {
		return err
	}
	c, err := spec.Decode(path, text)
	if err != nil {
		return err
	}
	file, _, exported := strings.Cut(c.Handler, ":")
	if c.Runtime.Name() != spec.RuntimeWasm || !exported {
		return fail.New(fail.Invalid, op, "it is not for functions of the runtime %q", c.Runtime.Name()).On(path).
			WithHint("Write runtime: wasm and handler: FILE.wasm:handle.")
	}
	target, err := s.buildTarget(ctx, o, c.Platform)
	if err != nil {
		return err
	}
	output, err := s.compile(ctx, dir, file, o.stack)
	if err != nil {
		return err
	}
	code, err := os.ReadFile(output)
	if err != nil {
		return fail.Wrap(err, fail.Internal, op, output)
	}
	if err := signModule(o.signKey, output, c, code); err != nil {
		return err
	}
	return s.tellModule(ctx, output, code, c.Handler, target)
}

// signModule writes the signature beside the module. A signature of an earlier module is
// removed: it is wrong by now.
func signModule(key, output string, c *spec.Configuration, code []byte) error {
	const op = "sign module"
	path := output + micro.SignatureSuffix
	if key == "" {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fail.Wrap(err, fail.Internal, op, path)
		}
		return nil
	}
	private, err := micro.SigningKey(key)
	if err != nil {
		return err
	}
	return fail.Wrap(os.WriteFile(path, micro.Sign(private, c.Name, c.Version, code), 0o644), fail.Internal, op, path)
}

// buildTarget is the board that the module must fit, or nil.
func (s *session) buildTarget(ctx context.Context, o buildOptions, platform spec.Platform) (*micro.Facts, error) {
	if o.device != "" {
		api, err := s.client()
		if err != nil {
			return nil, err
		}
		d, err := api.Device(ctx, spec.DeviceID(o.device))
		if err != nil {
			return nil, err
		}
		f := micro.FactsOf(d.Platform, d.Facts)
		return &f, nil
	}
	board := o.board
	if board == "" && strings.HasPrefix(string(platform), "micro/") {
		board = string(platform)
	}
	if board == "" {
		return nil, nil
	}
	f, err := micro.BoardOf(board)
	return &f, err
}

func (s *session) compile(ctx context.Context, dir, file string, stack int) (string, error) {
	const op = "build module"
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fail.New(fail.Invalid, op, "no directory for the SDK: %w", err).WithHint("Set HOME or XDG_CACHE_HOME.")
	}
	headers, err := sdk.ExtractWasm(filepath.Join(cache, "fescue"))
	if err != nil {
		return "", err
	}
	output := filepath.Join(dir, filepath.FromSlash(file))
	return output, toolchain.Build{Dir: dir, Output: output, SDK: headers, Stack: stack, Warnings: s.Stderr}.Run(ctx)
}

// tellModule prints what a module takes and where it fits.
func (s *session) tellModule(ctx context.Context, path string, code []byte, handler string, target *micro.Facts) error {
	m, err := module.Read(ctx, code)
	if err != nil {
		return err
	}
	names := func(all []module.Function) string {
		var list []string
		for _, f := range all {
			list = append(list, f.Name)
		}
		return strings.Join(list, ", ")
	}
	fmt.Fprintf(s.Stdout, "%s: %d bytes, code %d, data %d\n", path, m.Size, m.Code, m.Data)
	fmt.Fprintf(s.Stdout, "memory   %d bytes, of which stack %d; %d pages declared\n", m.Memory, m.Stack, m.Pages)
	fmt.Fprintf(s.Stdout, "imports  %s\nexports  %s\n\n", names(m.Imports), names(m.Exports))
	boards := micro.Boards()
	if target != nil {
		boards = []micro.Facts{*target}
	}
	t := table{columns: []string{"BOARD", "MODULE", "MEMORY", "FITS"}}
	var verdict error
	for _, f := range boards {
		fits := "yes"
		if err := micro.Check(ctx, code, handler, f); err != nil {
			fits, verdict = "no: "+strings.TrimPrefix(err.Error(), "check module: "), err
		}
		t.add(strings.TrimPrefix(string(f.Platform), "micro/"), fmt.Sprintf("%d of %d", m.Size, f.Module),
			fmt.Sprintf("%d of %d", micro.Need(m, f), f.Memory), fits)
	}
	if err := writeTable(s.Stdout, t); err != nil || target == nil {
		return err
	}
	return verdict
}
