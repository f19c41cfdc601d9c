package access_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/device/access"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fabric"
)

// certify writes a certificate for 127.0.0.1 that is its own authority, and its key.
func certify(t *testing.T, cert, key string, until time.Time) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{key: {Type: "EC PRIVATE KEY", Bytes: text}, cert: {Type: "CERTIFICATE", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// output is a log that may be read while it is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) count(part string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Count(o.text.String(), part)
}

func (o *output) has(words ...string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for line := range strings.SplitSeq(o.text.String(), "\n") {
		found := true
		for _, w := range words {
			found = found && strings.Contains(line, w)
		}
		if found {
			return true
		}
	}
	return false
}

// TestTLS: the listeners speak TLS; a new certificate is used without a restart, a bad
// one is told by its file and the one before stays, and an expired one is told.
func TestTLS(t *testing.T) {
	dir, log := t.TempDir(), &output{}
	cert, key, trusted := filepath.Join(dir, "device.pem"), filepath.Join(dir, "device.key"), filepath.Join(dir, "trusted.pem")
	d := start(t, func(o *fabric.Options) {
		o.Certificate, o.Key, o.Log = cert, key, slog.New(slog.NewTextHandler(log, nil))
	})
	local, err := d.router.Local("")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1000)
	if _, err := local.Subscribe("a/#", exchange.SubscribeOptions{}, func(m exchange.Message) { got <- string(m.Payload) }); err != nil {
		t.Fatal(err)
	}
	publish := func() bool {
		_, err := d.mosquitto("mosquitto_pub", "-u", "sensor", "-P", password, "--cafile", trusted, "-t", "a/x", "-m", "secret", "-q", "1")
		return err == nil
	}
	trust := func() {
		t.Helper()
		text, err := os.ReadFile(cert)
		if err == nil {
			err = os.WriteFile(trusted, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !log.has("cannot be used", "file="+cert, "no such file") {
		t.Errorf("a missing certificate is not told: %s", log.text.String())
	}
	if err := local.Publish("a/x", []byte("local")); err != nil || <-got != "local" {
		t.Errorf("local work does not go on: %v", err)
	}
	certify(t, cert, key, time.Now().Add(time.Hour))
	trust()
	d.until("the certificate is taken", publish)
	if m := <-got; m != "secret" {
		t.Errorf("got %s", m)
	}
	if out, err := d.mosquitto("mosquitto_pub", "-u", "sensor", "-P", password, "-t", "a/x", "-m", "open"); err == nil {
		t.Errorf("without TLS: %s", out)
	}
	d.secured(t, trusted)

	certify(t, cert, key, time.Now().Add(2*time.Hour))
	d.until("the old certificate is not shown any more", func() bool { return !publish() })
	trust()
	if !publish() {
		t.Error("the new certificate is not good")
	}
	if err := os.WriteFile(cert, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.until("the bad file is told", func() bool { return publish() && log.has("the one before is used on", "file="+cert) })

	certify(t, cert, key, time.Now().Add(-time.Hour))
	d.until("the expired one is told", func() bool { publish(); return log.has("has expired", "file="+cert) })
}

// secured has NATS's client connect, over TCP and WebSocket.
func (d *device) secured(t *testing.T, trusted string) {
	t.Helper()
	for _, url := range []string{"tls://" + d.fabric.Address("nats"), "wss://" + d.fabric.Address("websocket")} {
		text, err := os.ReadFile(trusted)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(text)
		nc, err := nats.Connect(url, nats.UserInfo("sensor", password), nats.CustomInboxPrefix(access.Inbox("sensor")), nats.Secure(&tls.Config{RootCAs: roots}))
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if err := nc.Publish("a.x", nil); err != nil || nc.Flush() != nil {
			t.Errorf("%s: %v", url, err)
		}
		nc.Close()
		if nc, err := nats.Connect(strings.NewReplacer("tls://", "nats://", "wss://", "ws://").Replace(url), nats.UserInfo("sensor", password)); err == nil {
			nc.Close()
			t.Errorf("%s: connected without trust", url)
		}
	}
}
