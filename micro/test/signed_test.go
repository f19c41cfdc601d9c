package test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func signerOf(n byte) ed25519.PrivateKey {
	seed := testKey(n)
	return ed25519.NewKeyFromSeed(seed[:])
}

// publicOf is what a firmware has, in hexadecimal.
func publicOf(k ed25519.PrivateKey) string { return hex.EncodeToString(k.Public().(ed25519.PublicKey)) }

func sign(t testing.TB, k ed25519.PrivateKey, m micro.Module) []byte {
	t.Helper()
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(micro.Sign(k, m.Function, m.Version, m.Code))))
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// forged: a board with a public key takes nothing that its owner has not signed, whatever
// sends it. What runs goes on, its memory as it was, and the right signature comes later
// without the bytes.
func forged(b *bench, board *micro.Board) {
	b.t.Helper()
	b.must(b.install(board, micro.Module{Code: module(b.t, "count"), Version: "5.1.0"}))
	b.wantReply(board, "", "1t")
	m := micro.Module{Function: "f", Code: module(b.t, "echo"), Version: "5.2.0"}
	right := sign(b.t, b.signer, m)
	older := m
	older.Version = "5.1.9"
	other := m
	other.Function = "g"
	for name, signature := range map[string][]byte{
		"none": {}, "half of it": right[:32], "of another key": sign(b.t, signerOf(5), m), "of another version": sign(b.t, b.signer, older),
		"of another function": sign(b.t, b.signer, other), "of nothing": make([]byte, 64),
	} {
		wrong := m
		wrong.Signature = signature
		if err := b.install(board, wrong); !fail.Is(err, fail.Denied) {
			b.t.Errorf("a module with a signature %s: %v", name, err)
		}
	}
	b.wantReply(board, "", "2t")
	b.must(b.install(board, m))
	b.wantReply(board, "echo", "echo")
}

// Without a key, the process takes what is signed and what is not.
func TestUnsigned(t *testing.T) {
	b := newBench(t)
	agentProcess(t, compilePosix(t), filepath.Join(t.TempDir(), "flash"), nil, "unix:"+b.listen(plain))
	board := b.board()
	if board.Facts.Signed {
		t.Error("it says that modules must be signed")
	}
	b.must(b.install(board, micro.Module{Code: module(t, "echo"), Signature: make([]byte, 64)}))
	b.wantReply(board, "echo", "echo")
}

// signature writes the file of a module's signature beside it, as `fescue build
// --sign-key` does.
func (b *board) signature(dir string, key ed25519.PrivateKey, version spec.Version) {
	b.t.Helper()
	path := filepath.Join(dir, "f.wasm")
	code, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path+micro.SignatureSuffix, micro.Sign(key, spec.Name(b.name), version, code), 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// unsigned: the gateway sends nothing that is not signed, and the board takes nothing that
// is signed with another key; the version before goes on.
func (b *board) unsigned() {
	b.t.Helper()
	dir := b.folder("echo", 0)
	b.signature(dir, signerOf(6), b.current())
	if out, err := b.try("deploy", dir, "--device", b.name); err == nil || !strings.Contains(out, "does not take the signature") {
		b.t.Errorf("a module that somebody else has signed: %v\n%s", err, out)
	}
	dir = b.folder("echo", 0)
	if err := os.Remove(filepath.Join(dir, "f.wasm"+micro.SignatureSuffix)); err != nil {
		b.t.Fatal(err)
	}
	if out, err := b.try("deploy", dir, "--device", b.name); err == nil || !strings.Contains(out, "takes only signed modules") {
		b.t.Errorf("a module that is not signed: %v\n%s", err, out)
	}
	b.answers("", "")
}
