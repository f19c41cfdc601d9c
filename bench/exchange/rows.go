package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"fescue.dev/fescue/sdk"
)

//go:embed clients
var clients embed.FS

// builder makes the clients' programs, each once, in a directory.
type builder struct {
	ctx   context.Context //nolint:containedctx // of one call of prepare
	dir   string
	built map[string]command
	fails map[string]error
}

// has are the languages that have a client for a link.
var has = map[string][]string{
	"floor": {"c"}, "unix-floor": {"c"}, "mqueue-floor": {"c"}, "mosquitto": {"go", "c"}, "mqtt": {"c", "go"}, "nats": {"go"}, "kept": {"go"}, "kept64": {"go"},
	"unix": allLanguages, "tcp": allLanguages, "mqueue": {"c", "go", "python"},
}

// prepare builds what the rows need. What cannot be measured on this machine it tells.
func prepare(ctx context.Context, o options, dir string) (rows []row, missing []string) {
	b := &builder{ctx: ctx, dir: dir, built: map[string]command{}, fails: map[string]error{}}
	for _, link := range o.links {
		if link == "mosquitto" && mosquittoPath() == "" {
			missing = append(missing, "mosquitto, which is not installed")
			continue
		}
		for _, language := range has[link] {
			if !slices.Contains(o.languages, language) && !strings.HasSuffix(link, "floor") {
				continue
			}
			client, err := b.client(link, language)
			if err != nil {
				missing = append(missing, fmt.Sprintf("%s with %s: %v", link, language, err))
				continue
			}
			r := row{link: link, language: language, client: client, pair: link == "floor"}
			switch link {
			case "floor":
			case "unix-floor", "mqueue-floor":
				r.broker = b.startRelay(link)
			case "mosquitto":
				r.broker = startMosquitto(dir, language)
			default:
				r.broker = startBroker(dir, link)
			}
			rows = append(rows, r)
		}
	}
	return rows, missing
}

// client is the program that plays the sides of a link in a language.
func (b *builder) client(link, language string) (command, error) {
	switch language {
	case "c":
		source := map[string]string{"floor": "stream.c", "unix-floor": "stream.c", "mqueue-floor": "queue.c", "mosquitto": "mqtt.c", "mqtt": "mqtt.c"}[link]
		if source == "" {
			source = "exchange.c"
		}
		return b.once(source, func() (command, error) { return b.c(source) })
	case "python":
		return b.once(language, b.python)
	case "java":
		return b.once(language, b.java)
	case "js":
		return b.once(language, b.js)
	}
	exe, err := os.Executable()
	role := map[string]string{"mosquitto": "mqtt", "mqtt": "mqtt", "nats": "nats", "kept": "kept", "kept64": "kept64"}[link]
	if role == "" {
		role = "go"
	}
	return program([]string{roleVariable + "=" + role}, exe), err
}

func (b *builder) once(name string, build func() (command, error)) (command, error) {
	if b.built[name] == nil && b.fails[name] == nil {
		b.built[name], b.fails[name] = build()
	}
	return b.built[name], b.fails[name]
}

// program runs a command with the role and the size as last arguments.
func program(env []string, argv ...string) command {
	return func(role string, size int) *exec.Cmd {
		cmd := exec.Command(argv[0], append(slices.Clone(argv[1:]), role, strconv.Itoa(size))...)
		cmd.Env = env
		return cmd
	}
}

// sources are the clients' sources in a directory.
func (b *builder) sources() (string, error) {
	dir := filepath.Join(b.dir, "src")
	if _, err := os.Stat(dir); err == nil {
		return filepath.Join(dir, "clients"), nil
	}
	return filepath.Join(dir, "clients"), os.CopyFS(dir, clients)
}

func (b *builder) c(source string) (command, error) {
	src, err := b.sources()
	if err != nil {
		return nil, err
	}
	extracted, err := sdk.ExtractC(b.dir)
	if err != nil {
		return nil, err
	}
	out := filepath.Join(b.dir, strings.TrimSuffix(source, ".c"))
	include := filepath.Join(extracted, "c")
	args := []string{"-O2", "-I", include, "-o", out, filepath.Join(src, source)}
	if source != "relay.c" {
		args = append(args, filepath.Join(src, "side.c"))
	}
	switch source {
	case "exchange.c":
		args = append(args, filepath.Join(include, "fescue.c"))
	case "mqtt.c":
		args = append(args, "-lmosquitto") // of libmosquitto-dev
	case "queue.c", "relay.c":
		args = append(args, "-lrt", "-pthread")
	}
	return program(nil, out), b.do("cc", args...)
}

func (b *builder) python() (command, error) {
	src, err := b.sources()
	if err != nil {
		return nil, err
	}
	extracted, err := sdk.Extract(b.dir)
	return program([]string{"PYTHONPATH=" + extracted}, "python3", filepath.Join(src, "side.py")), err
}

func (b *builder) java() (command, error) {
	src, err := b.sources()
	if err != nil {
		return nil, err
	}
	javac, err := exec.LookPath("javac")
	if err != nil {
		return nil, err
	}
	extracted, err := sdk.ExtractJava(b.dir)
	if err != nil {
		return nil, err
	}
	classes, err := sdk.CompileJava(b.ctx, javac, extracted)
	if err != nil {
		return nil, err
	}
	return program(nil, "java", "-cp", classes+":"+src, "Side"), b.do(javac, "-cp", classes, "-d", src, filepath.Join(src, "Side.java"))
}

func (b *builder) js() (command, error) {
	src, err := b.sources()
	if err != nil {
		return nil, err
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, err
	}
	extracted, err := sdk.ExtractJavaScript(b.dir)
	if err != nil {
		return nil, err
	}
	modules := filepath.Join(src, "node_modules")
	if err := os.MkdirAll(modules, 0o755); err != nil {
		return nil, err
	}
	return program(nil, node, filepath.Join(src, "side.mjs")), os.Symlink(extracted, filepath.Join(modules, "fescue"))
}

func (b *builder) do(name string, args ...string) error {
	out, err := exec.CommandContext(b.ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
