package test

import (
	"bufio"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// signatures is a running harness/ed25519.c.
type signatures struct{ *machine }

func startSignatures(t testing.TB) signatures {
	t.Helper()
	return signatures{startMachine(t, compileFiles(t, []string{"harness/ed25519.c", "../core/sha256.c", "../core/sha512.c"},
		append(slices.Clone(sanitised), "-O2", "-DFESCUE_SIGNATURES=1")...))}
}

func (s signatures) ask(command string, values ...[]byte) string {
	s.t.Helper()
	for _, v := range values {
		text := hex.EncodeToString(v)
		if text == "" {
			text = "-"
		}
		command += " " + text
	}
	fmt.Fprintln(s.in, command)
	return s.answer()[0]
}

func (s signatures) takes(key ed25519.PublicKey, message, signature []byte, want bool) {
	s.t.Helper()
	if got := s.ask("verify", key, signature, message) == "1"; got != want {
		s.t.Fatalf("key %x, message %x, signature %x: taken %v, want %v", key, message, signature, got, want)
	}
}

// RFC 8032, section 7.1: TEST 1, 2, 3 and SHA(abc).
var rfc8032 = []struct{ key, message, signature string }{
	{"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
	{"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
	{"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
	{"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
		"dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"},
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The check of signatures that a board makes.
func TestSignatures(t *testing.T) {
	s := startSignatures(t)
	for name, test := range map[string]func(*testing.T, signatures){"vectors": vectors, "against Go": againstGo, "forms": forms, "field": fieldEdges} {
		t.Run(name, func(t *testing.T) { test(t, signatures{&machine{t: t, in: s.in, out: s.out}}) })
	}
}

func vectors(t *testing.T, s signatures) {
	for _, v := range rfc8032 {
		s.takes(unhex(t, v.key), unhex(t, v.message), unhex(t, v.signature), true)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	// Go's own vectors, "private:public:message:signature message:".
	f, err := os.Open(filepath.Join(strings.TrimSpace(string(root)), "src/crypto/ed25519/testdata/sign.input.gz"))
	if err != nil {
		t.Skipf("Go is without its test data: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for lines := bufio.NewScanner(z); lines.Scan(); n++ {
		part := strings.Split(lines.Text(), ":")
		s.takes(unhex(t, part[1]), unhex(t, part[2]), unhex(t, part[3])[:64], true)
	}
	if n < 128 {
		t.Errorf("there are only %d vectors", n)
	}
}

// Against Go: what it signs is taken, and nothing of which a bit is another.
func againstGo(t *testing.T, s signatures) {
	random := rand.New(rand.NewPCG(3, 4))
	bytes := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	for range 40 {
		private := ed25519.NewKeyFromSeed(bytes(32))
		key, message := private.Public().(ed25519.PublicKey), bytes(1+random.IntN(600))
		signature := ed25519.Sign(private, message)
		s.takes(key, message, signature, true)
		for _, wrong := range [][]byte{key, message, signature} {
			bit := random.IntN(8 * len(wrong))
			wrong[bit/8] ^= 1 << (bit % 8)
			s.takes(key, message, signature, ed25519.Verify(key, message, signature))
			wrong[bit/8] ^= 1 << (bit % 8)
		}
	}
	for n := range 300 {
		message := bytes(n)
		want := sha512.Sum512(message)
		if got := s.ask("sha512", message); got != hex.EncodeToString(want[:]) {
			t.Fatalf("SHA-512 of %d bytes: %s", n, got)
		}
	}
}

var (
	prime    = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	order, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
)

func littleEndian(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

// There is one signature for a message and a key's R, one form of each point, and no key
// that is none.
func forms(t *testing.T, s signatures) {
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	key, message := private.Public().(ed25519.PublicKey), []byte("m")
	signature := ed25519.Sign(private, message)
	s.takes(key, message, signature, true)

	// s + L is the same modulo L, as are s + 2L and more, as long as there is room.
	scalar := slices.Clone(signature[32:])
	slices.Reverse(scalar)
	n := new(big.Int).SetBytes(scalar)
	for range 8 {
		n.Add(n, order)
		s.takes(key, message, append(slices.Clone(signature[:32]), littleEndian(n)...), false)
	}
	for _, n := range []*big.Int{order, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))} {
		s.takes(key, message, append(slices.Clone(signature[:32]), littleEndian(n)...), false)
	}

	// With the neutral point (y = 1) as key and as R, and s = 0, the equation holds for any
	// message; written as y = p + 1, or with a sign of x = 0, it is refused.
	neutral, zero := littleEndian(big.NewInt(1)), make([]byte, 32)
	s.takes(neutral, message, append(slices.Clone(neutral), zero...), true)
	beyond := littleEndian(new(big.Int).Add(prime, big.NewInt(1)))
	signed := slices.Clone(neutral)
	signed[31] |= 0x80
	for _, other := range [][]byte{beyond, signed} {
		s.takes(other, message, append(slices.Clone(neutral), zero...), false)
		s.takes(neutral, message, append(slices.Clone(other), zero...), false)
	}

	// y = 2 is on no point of the curve.
	s.takes(littleEndian(big.NewInt(2)), message, signature, false)
}

// The field at the edges of its words, where carries are rare.
func fieldEdges(t *testing.T, s signatures) {
	one := big.NewInt(1)
	var edges []*big.Int
	for _, around := range []*big.Int{big.NewInt(0), prime, new(big.Int).Lsh(prime, 1), new(big.Int).Lsh(one, 255), new(big.Int).Lsh(one, 256), new(big.Int).Lsh(one, 128)} {
		for _, d := range []int64{-39, -38, -20, -19, -2, -1, 0, 1, 18, 19, 20, 37, 38, 39} {
			if n := new(big.Int).Add(around, big.NewInt(d)); n.Sign() >= 0 && n.BitLen() <= 256 {
				edges = append(edges, n)
			}
		}
	}
	want := new(big.Int)
	for _, a := range edges {
		for _, b := range edges {
			for operation, f := range map[string]func(a, b *big.Int) *big.Int{"multiply": want.Mul, "add": want.Add, "subtract": want.Sub} {
				f(a, b).Mod(want, prime)
				if got := s.ask(operation, littleEndian(a), littleEndian(b)); got != hex.EncodeToString(littleEndian(want)) {
					t.Fatalf("%s %x %x: %s, want %x (bytes reversed)", operation, a, b, got, want)
				}
			}
		}
	}
}
