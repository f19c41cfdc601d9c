package fabric

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"fescue.dev/fescue/fail"
)

// certificate is what the listeners show to their clients. Its files are looked at
// again when somebody connects: a new certificate needs no restart. One that is bad or
// has expired is told in the log by the file's name and keeps nobody's work from going on:
// the one before stays, and without any, clients of the listeners are turned away.
type certificate struct {
	cert, key string // files
	log       *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate // nil: there never was a good one
	seen    [2]stamp         // of the files, when they were read last
	looked  time.Time
	expired time.Time // when that was told
}

// stamp tells whether a file is another one than before.
type stamp struct {
	modified time.Time
	size     int64
}

const (
	lookAgain    = time.Second // between two looks at the files
	sayAgain     = time.Hour   // between two complaints about an expired certificate
	tlsHandshake = 10          // seconds it may take
)

func (c *certificate) config() *tls.Config {
	_, _ = c.get(nil) // tells at the start what is wrong
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) >= lookAgain {
		c.look()
		c.looked = time.Now()
	}
	if c.current == nil {
		return nil, fail.New(fail.Unavailable, "present certificate", "there is no good one").On(c.cert)
	}
	return c.current, nil
}

// look reads the files if they are others than before. mu is held.
func (c *certificate) look() {
	seen := [2]stamp{stampOf(c.cert), stampOf(c.key)}
	if seen != c.seen || c.looked.IsZero() {
		c.seen = seen
		fresh, err := tls.LoadX509KeyPair(c.cert, c.key)
		if err != nil {
			c.complain(err)
			return
		}
		c.current, c.expired = &fresh, time.Time{}
	}
	leaf := c.current
	if leaf == nil || leaf.Leaf == nil || time.Now().Before(leaf.Leaf.NotAfter) || time.Since(c.expired) < sayAgain {
		return
	}
	c.expired = time.Now()
	c.log.Error("the certificate of the MQTT, NATS and WebSocket listeners has expired: clients that look will not connect",
		"file", c.cert, "expired", leaf.Leaf.NotAfter, "hint", "Put a new one in its place; nothing has to be restarted.")
}

func (c *certificate) complain(err error) {
	file := c.cert
	var path *fs.PathError
	if errors.As(err, &path) {
		file = path.Path
	}
	then := "clients are turned away until there is a good one"
	if c.current != nil {
		then = "the one before is used on"
	}
	c.log.Error("the certificate of the MQTT, NATS and WebSocket listeners cannot be used: "+then, "file", file, "key", c.key, "error", err,
		"hint", "Both files are PEM: the chain, the listener's own certificate first, and its key. Nothing has to be restarted.")
}

func stampOf(file string) stamp {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}
