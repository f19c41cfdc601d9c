package micro

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"strings"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// SignatureSuffix is what the file of a module's signature has behind the module's name.
const SignatureSuffix = ".sig"

// signedText is what a signature is of (sdk/protocol.md, Modules): so a signature holds for
// one version of one function.
func signedText(function spec.Name, version spec.Version, code []byte) []byte {
	digest := sha256.Sum256(code)
	return append([]byte("fescue-module\x00"+string(function)+"\x00"+string(version)+"\x00"), digest[:]...)
}

// Sign gives the text of a module's signature file.
func Sign(key ed25519.PrivateKey, function spec.Name, version spec.Version, code []byte) []byte {
	return []byte(base64.StdEncoding.EncodeToString(ed25519.Sign(key, signedText(function, version, code))) + "\n")
}

// parseSignature reads a signature file.
func parseSignature(text []byte) ([]byte, error) {
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(signature) != ed25519.SignatureSize {
		return nil, fail.New(fail.Invalid, "read signature", "it is not one of fescue build --sign-key")
	}
	return signature, nil
}

// Types of PEM blocks.
const (
	privateBlock = "PRIVATE KEY"
	publicBlock  = "PUBLIC KEY"
)

// SigningKey reads a private key: a PEM file as `openssl genpkey -algorithm ed25519` makes.
func SigningKey(path string) (ed25519.PrivateKey, error) {
	const op = "read signing key"
	block, err := readPEM(op, path)
	if err != nil {
		return nil, err
	}
	if parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if key, ok := parsed.(ed25519.PrivateKey); ok {
			return key, nil
		}
	}
	return nil, fail.New(fail.Invalid, op, "it has no private Ed25519 key").On(path).
		WithHint("fescue micro provision --sign-key makes one, and so does openssl genpkey -algorithm ed25519.")
}

// VerifyingKey reads the public key from a PEM file of it or of the private one. If there
// is no such file, it makes a private key there.
func VerifyingKey(path string) (ed25519.PublicKey, error) {
	const op = "read signing key"
	block, err := readPEM(op, path)
	if fail.Is(err, fail.NotFound) {
		return makeKey(path)
	}
	if err != nil {
		return nil, err
	}
	if block.Type == publicBlock {
		if parsed, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			if key, ok := parsed.(ed25519.PublicKey); ok {
				return key, nil
			}
		}
	}
	key, err := SigningKey(path)
	if err != nil {
		return nil, err
	}
	return key.Public().(ed25519.PublicKey), nil
}

func readPEM(op, path string) (*pem.Block, error) {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fail.Wrap(err, fail.NotFound, op, path)
	case err != nil:
		return nil, fail.Wrap(err, fail.Invalid, op, path)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fail.New(fail.Invalid, op, "it is not a PEM file").On(path)
	}
	return block, nil
}

// makeKey makes a private key that only its owner can read.
func makeKey(path string) (ed25519.PublicKey, error) {
	const op = "make signing key"
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fail.Wrap(err, fail.Internal, op, path)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fail.Wrap(err, fail.Internal, op, path)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fail.Wrap(err, fail.Invalid, op, path)
	}
	err = pem.Encode(f, &pem.Block{Type: privateBlock, Bytes: der})
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fail.Wrap(err, fail.Internal, op, path)
	}
	return public, nil
}
