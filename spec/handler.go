package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// handlerRule is how a runtime's handler is written.
type handlerRule struct {
	form    *regexp.Regexp // nil: a path in the artifact
	written string         // the form, for people
	example string
	// files are those of the artifact of which one must be there; nil: nothing can be told.
	files    func(handler string) []string
	remedy   string // if none of them is
	perEvent bool   // it can be a program for each event
}

var (
	pythonHandler    = lazily(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$`)
	nodeHandler      = lazily(`^[\w-][\w./-]*\.[A-Za-z_$][\w$]*$`)
	javaHandler      = lazily(`^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*(::[A-Za-z_$][\w$]*)?$`)
	containerHandler = lazily(`^/?[\w.$:-]+(/[\w.$:-]+)*$`)
	wasmHandler      = lazily(`^[^:]+\.wasm(:[^:]+)?$`)
)

// handlerRules by runtime; one that has none has no functions.
func handlerRules(runtime string) (handlerRule, bool) {
	program := handlerRule{written: "the path of a program in the artifact", example: "For bin/detect in the artifact write bin/detect.", perEvent: true}
	switch runtime {
	case RuntimePython:
		return handlerRule{form: pythonHandler(), written: "module.function", example: "For a function handle in the file roots.py write roots.handle.", files: pythonFiles}, true
	case RuntimeNode:
		return handlerRule{form: nodeHandler(), written: "file.function", example: "For a function handler in the file index.js write index.handler.", files: nodeFiles}, true
	case RuntimeJava:
		return handlerRule{form: javaHandler(), written: "package.Class or package.Class::method", example: "Write com.example.Roots::handle."}, true
	case RuntimeWasm:
		return handlerRule{form: wasmHandler(), written: "file.wasm, or file.wasm:export", example: "For an export handle of detector.wasm write detector.wasm:handle; detector.wasm alone is run for each event.",
			files:  func(handler string) []string { file, _, _ := strings.Cut(handler, ":"); return []string{file} },
			remedy: "Compile it with 'fescue build', or add a module that is compiled already. "}, true
	case RuntimeContainer:
		return handlerRule{form: containerHandler(), written: "the path of a program in the image, or what the image's own program is told", example: "Write /bin/detect, if the image has that; or app.handle, which its program finds in FESCUE_HANDLER.", perEvent: true}, true
	case RuntimeCpp:
		return program, true // it may be compiled on the device
	case RuntimeNative:
		program.files = func(handler string) []string { return []string{strings.TrimPrefix(handler, "./")} }
		return program, true
	}
	return handlerRule{}, false
}

func pythonFiles(handler string) []string {
	module := strings.ReplaceAll(handler[:max(0, strings.LastIndexByte(handler, '.'))], ".", "/")
	return []string{module + ".py", module + "/__init__.py"}
}

func nodeFiles(handler string) []string {
	file := handler[:max(0, strings.LastIndexByte(handler, '.'))]
	return []string{file + ".js", file + ".mjs", file + ".cjs"}
}

// checkHandler checks the form of the handler, by runtime.
func (r *reader) checkHandler(c *Configuration) {
	rule, ok := handlerRules(c.Runtime.Name())
	switch {
	case c.Handler == "":
		if c.PerEvent {
			r.faultAt("perEvent", "it says how a handler is run, and there is none", "Add 'handler: path/of/program', or remove it.")
		}
		return
	case !ok:
		if slices.Contains(runtimeNames[:], c.Runtime.Name()) {
			r.faultAt("handler", fmt.Sprintf("the runtime %s has no handlers", c.Runtime.Name()), "Use commands, or another runtime.")
		}
		return
	case c.PerEvent && !rule.perEvent:
		r.faultAt("perEvent", fmt.Sprintf("the runtime %s calls its handler in a process that stays", c.Runtime.Name()), "Remove it, or use the runtime native.")
	}
	if len(c.Handler) > 256 || rule.form != nil && !rule.form.MatchString(c.Handler) || rule.form == nil && !localPath(strings.TrimPrefix(c.Handler, "./")) {
		r.faultAt("handler", "a handler is written "+rule.written, rule.example)
	}
}

// handlerMissing is the fault of a handler whose file is not in the artifact, or "".
func (c *Configuration) handlerMissing(has func(path string) bool) (message, suggestion string) {
	rule, ok := handlerRules(c.Runtime.Name())
	if c.Handler == "" || !ok || rule.files == nil {
		return "", ""
	}
	if c.Runtime.Name() == RuntimeNative && c.preparesFiles() {
		return "", "" // commands may make it
	}
	files := rule.files(c.Handler)
	if slices.ContainsFunc(files, has) {
		return "", ""
	}
	return fmt.Sprintf("the artifact has no file %s", files[0]), rule.remedy + "A handler is written " + rule.written + ". " + rule.example
}

func (c *Configuration) preparesFiles() bool {
	return slices.ContainsFunc(c.Commands, func(command Command) bool { return command.Wait })
}
