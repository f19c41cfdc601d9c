package java_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/java"
	"fescue.dev/fescue/device/runtimes/runtimetest"
	"fescue.dev/fescue/sdk"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, d *runtimetest.Device) runtimes.Runtime {
	t.Helper()
	folder := filepath.Join(d.Dir, "sdk")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	extracted, err := sdk.ExtractJava(folder)
	if err != nil {
		t.Fatal(err)
	}
	j, err := java.New(java.Options{Dir: filepath.Join(d.Dir, "projects"), SDK: extracted})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// jar compiles a class of testdata against the SDK and packs it.
func jar(t testing.TB, source string) string {
	t.Helper()
	d := runtimetest.NewDevice(t)
	extracted, err := sdk.ExtractJava(d.Dir)
	if err != nil {
		t.Fatal(err)
	}
	classes, err := sdk.CompileJava(t.Context(), "javac", extracted)
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	for _, argv := range [][]string{
		{"javac", "--release", "17", "-cp", classes, "-d", out, source},
		{"jar", "--create", "--file", out + "/function.jar", "-C", out, "."},
	} {
		if said, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", argv, err, said)
		}
	}
	text, err := os.ReadFile(out + "/function.jar")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestConformance(t *testing.T) {
	source := func(handler string) runtimetest.Source {
		return runtimetest.Source{
			Configuration: "runtime: java >=17\nhandler: " + handler + "\n",
			Files:         map[string]string{"lib/function.jar": jar(t, "testdata/Function.java")},
		}
	}
	runtimetest.Run(t, runtimetest.Suite{
		New: open, Function: source("Function::handle"), Broken: source("Missing::handle"), BrokenSays: "Missing",
		Stack: "Function.java", Context: true, Ahead: true, Versioned: true,
	})
}

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId><artifactId>greeter</artifactId><version>1.0</version>
  <properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>
</project>
`

func project(body string) runtimetest.Source {
	return runtimetest.Source{
		Configuration: "runtime: java\nhandler: com.example.Greeter::handle\ndependencies: {pom: pom.xml}\n",
		Files: map[string]string{
			"pom.xml":                                pom,
			"src/main/java/com/example/Greeter.java": "package com.example;\n\npublic class Greeter {\n    public static String handle(String event) { " + body + " }\n}\n",
		},
	}
}

// A Maven project is built on the device, once. Its plugins come from a repository, so it needs the network.
func TestMavenProject(t *testing.T) {
	d := runtimetest.NewDevice(t)
	r := open(t, d)
	f, err := d.TryLoad(t, r, "greeter", project(`return "hello " + event;`))
	if err != nil && strings.Contains(err.Error(), "resolved") {
		t.Skip("Maven reaches no repository: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Start(t).Answers(t, "Ada", "hello Ada")
	if did, err := d.Prepared(t, r, f.Application, time.Minute); did || err != nil {
		t.Errorf("it is built again: %v, %v", did, err)
	}
}

// BenchmarkColdStart is of a handler in a jar.
func BenchmarkColdStart(b *testing.B) {
	runtimetest.ColdStart(b, open, runtimetest.Source{
		Configuration: "runtime: java\nhandler: Function::handle\n",
		Files:         map[string]string{"function.jar": jar(b, "testdata/Function.java")},
	})
}
