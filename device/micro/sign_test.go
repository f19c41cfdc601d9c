package micro

import (
	"crypto/ed25519"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"fescue.dev/fescue/fail"
)

// A key that was not there is made, for its owner alone; a signature is of one version of
// one function.
func TestSigning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sign.pem")
	public, err := VerifyingKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := VerifyingKey(path); err != nil || !again.Equal(public) {
		t.Errorf("the second time it is another key: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	key, err := SigningKey(path)
	if err != nil {
		t.Fatal(err)
	}
	code := []byte("a module")
	signature, err := parseSignature(Sign(key, "blink", "1.2.0", code))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(code)
	text := append([]byte("fescue-module\x00blink\x001.2.0\x00"), digest[:]...) // as sdk/protocol.md has it
	if !ed25519.Verify(public, text, signature) {
		t.Error("the signature is of something else")
	}
	for _, bad := range []string{"", "x", "c2hvcnQ=\n"} {
		if _, err := parseSignature([]byte(bad)); err == nil {
			t.Errorf("%q was taken for a signature", bad)
		}
	}
	if err := os.WriteFile(path, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyingKey(path); !fail.Is(err, fail.Invalid) {
		t.Errorf("a file without a key: %v", err)
	}
	if _, err := SigningKey(filepath.Join(t.TempDir(), "none")); !fail.Is(err, fail.NotFound) {
		t.Errorf("no file: %v", err)
	}
}
