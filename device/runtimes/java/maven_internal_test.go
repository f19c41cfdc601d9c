package java

import "testing"

// Maven's reason is told without its advice to those who sit before it.
func TestMavenError(t *testing.T) {
	said := `[WARNING] something else
[ERROR] COMPILATION ERROR :
[ERROR] /project/src/main/java/com/example/Greeter.java:[4,60] incompatible types: int cannot be converted to java.lang.String
[ERROR]
[ERROR] -> [Help 1]
[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.
`
	want := "COMPILATION ERROR :; /project/src/main/java/com/example/Greeter.java:[4,60] incompatible types: int cannot be converted to java.lang.String"
	if got := mavenError(said); got != want {
		t.Errorf("%q", got)
	}
}

func TestReadVersion(t *testing.T) {
	for said, want := range map[string]string{
		`openjdk version "17.0.15" 2025-04-15`: "17.0.15",
		`openjdk version "21" 2023-09-19`:      "21.0.0",
		`java version "1.8.0_402"`:             "1.8.0",
		"no Java at all":                       "",
	} {
		if got := readVersion(said); got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
}
