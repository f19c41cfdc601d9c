package app

import (
	"os"
	"path/filepath"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/container"
	"fescue.dev/fescue/device/runtimes/cpp"
	"fescue.dev/fescue/device/runtimes/java"
	"fescue.dev/fescue/device/runtimes/native"
	"fescue.dev/fescue/device/runtimes/node"
	"fescue.dev/fescue/device/runtimes/python"
	"fescue.dev/fescue/device/runtimes/wasm"
	"fescue.dev/fescue/device/runtimes/worker"
	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/sdk"
)

// insidePrograms are what this binary is inside of a function's sandbox.
func insidePrograms() map[string]worker.Program {
	return map[string]worker.Program{
		native.Kind:      worker.Function(native.LoadProgram),
		wasm.Kind:        worker.Function(wasm.Load),
		wasm.CompileKind: wasm.Compile,
	}
}

// openRuntimes opens the sandbox and the runtimes, with the SDKs that this binary carries.
func (d *device) openRuntimes() (err error) {
	if d.sandbox, err = sandbox.New(sandbox.Config{State: filepath.Join(d.dir, "sandbox"), Log: d.o.Log.With("part", "sandbox")}); err != nil {
		return err
	}
	program, err := os.Executable() // functions of some runtimes are served by it
	if err != nil {
		return fail.Wrap(err, fail.Internal, "find the agent's program", "")
	}
	folder := filepath.Join(d.dir, "sdk")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fail.Wrap(err, fail.Internal, "make directory", folder)
	}
	pythonSDK, err := sdk.Extract(folder)
	if err != nil {
		return err
	}
	javascriptSDK, err := sdk.ExtractJavaScript(folder)
	if err != nil {
		return err
	}
	javaSDK, err := sdk.ExtractJava(folder)
	if err != nil {
		return err
	}
	cSDK, err := sdk.ExtractC(folder)
	if err != nil {
		return err
	}
	d.python, err = python.New(python.Options{Dir: filepath.Join(d.dir, "envs"), SDK: pythonSDK, Log: d.o.Log.With("part", "python")})
	if err != nil {
		return err
	}
	javascript, err := node.New(node.Options{Dir: filepath.Join(d.dir, "packages"), SDK: javascriptSDK})
	if err != nil {
		return err
	}
	jvm, err := java.New(java.Options{Dir: filepath.Join(d.dir, "projects"), SDK: javaSDK})
	if err != nil {
		return err
	}
	compiled, err := cpp.New(cpp.Options{Dir: filepath.Join(d.dir, "libraries"), SDK: cSDK, Program: program, Kind: native.Kind})
	if err != nil {
		return err
	}
	modules, err := wasm.New(filepath.Join(d.dir, "modules"), program)
	if err != nil {
		return err
	}
	containers := container.Options{Dir: filepath.Join(d.dir, "images"), User: d.sandbox.UserFor, Program: program, Kind: native.Kind}
	if filter := sandbox.CallFilter(); filter != nil {
		containers.Filter = filter
	}
	images, err := container.New(containers)
	if err != nil {
		return err
	}
	d.runtimes = []runtimes.Runtime{d.python, javascript, jvm, compiled, modules, native.Native{Program: program}, images}
	return nil
}
