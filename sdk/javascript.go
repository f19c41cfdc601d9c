package sdk

import (
	"embed"
	"io/fs"
)

//go:embed js/package.json js/src/*.js
var javascript embed.FS

// JavaScript is the JavaScript SDK: the npm package `fescue`. Its src/worker.js
// runs functions.
func JavaScript() fs.FS {
	sub, err := fs.Sub(javascript, "js")
	if err != nil {
		panic(err) // the path is a constant and valid
	}
	return sub
}

// ExtractJavaScript is [Extract] for the JavaScript SDK. What it returns is the package's directory, which programs
// find as `fescue` through a link node_modules/fescue in a directory above theirs.
func ExtractJavaScript(dir string) (string, error) {
	return extract(dir, "javascript", JavaScript())
}
