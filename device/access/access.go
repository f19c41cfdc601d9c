// Package access is who may connect to a device's MQTT and NATS listeners: the
// logins (credentials) that the server gave the device, with the topics of each.
//
// An [Access] is asked by package fabric for every connection (Authenticate). The
// agent gives it the credentials of the desired state (Apply), and keeps them for a start
// without server. It promises: a login has the topics of its credential and nothing
// else; when the credential goes or changes, its connections end at once; an MQTT
// session belongs to the credential that first used its client id.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"log/slog"
	"slices"
	"sync"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/spec"
)

// Disconnecter ends a login's connections; *fabric.Server is one.
type Disconnecter interface {
	Disconnect(user string) int
}

// Denials hears what clients wanted and may not; *exchange.Router is one.
type Denials interface {
	Denied(exchange.Denial)
}

// Access is a fabric.Authenticator.
type Access struct {
	log *slog.Logger

	mu      sync.Mutex
	server  Disconnecter
	denials Denials
	logins  map[string]login
	ids     *sessions
}

// login is a credential, compiled.
type login struct {
	credential  spec.DesiredCredential
	hash        []byte
	permissions fabric.Permissions
}

// New makes an Access without any credential. It remembers MQTT client ids in file.
func New(file string, log *slog.Logger) *Access {
	return &Access{log: log, logins: map[string]login{}, ids: openSessions(file, log)}
}

// Attach says where connections are ended, and who hears of denials.
func (a *Access) Attach(s Disconnecter, d Denials) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.server, a.denials = s, d
}

// Apply makes list the credentials there are. Connections of those that are gone,
// or have other topics or another secret than before, are ended; who may connect
// again does so by itself.
func (a *Access) Apply(list []spec.DesiredCredential) {
	fresh := map[string]login{}
	for _, c := range list {
		hash, err := hex.DecodeString(c.Hash)
		if err != nil || len(hash) != sha256.Size {
			a.log.Error("a credential cannot be used: its hash is none", "credential", c.Name)
			continue
		}
		fresh[string(c.Name)] = login{c, hash, permissionsOf(c)}
	}
	a.mu.Lock()
	var over []string
	for name, old := range a.logins {
		if now, there := fresh[name]; !there || !same(now.credential, old.credential) {
			over = append(over, name)
		}
		if _, there := fresh[name]; !there {
			a.ids.release(name)
		}
	}
	a.logins = fresh
	server := a.server
	a.mu.Unlock()
	for _, name := range over {
		if server == nil {
			return
		}
		if n := server.Disconnect(name); n > 0 {
			a.log.Info("clients were disconnected: their credential has changed", "credential", name, "connections", n)
		}
	}
}

func same(a, b spec.DesiredCredential) bool {
	return a.Hash == b.Hash && slices.Equal(a.Subscribe, b.Subscribe) && slices.Equal(a.Publish, b.Publish)
}

// permissionsOf are a credential's topics as NATS knows them, and the inbox in
// which its own requests are answered. That of nats.go's default, _INBOX, would let
// every client read the answers to all others.
func permissionsOf(c spec.DesiredCredential) fabric.Permissions {
	return fabric.Permissions{
		Publish:   exchange.Subjects(c.Publish),
		Subscribe: append(exchange.Subjects(c.Subscribe), Inbox(c.Name)+".>"),
	}
}

// Inbox is the prefix of subjects on which a NATS client with this login gets the
// answers to its requests (nats.CustomInboxPrefix).
func Inbox(name spec.Name) string { return "_INBOX_" + string(name) }

// Names are those of the credentials that are good.
func (a *Access) Names() []spec.Name {
	a.mu.Lock()
	defer a.mu.Unlock()
	names := make([]spec.Name, 0, len(a.logins))
	for name := range a.logins {
		names = append(names, spec.Name(name))
	}
	return names
}

// Authenticate is fabric.Authenticator's.
func (a *Access) Authenticate(c fabric.Credentials) (fabric.Permissions, bool) {
	sum := sha256.Sum256([]byte(c.Password))
	a.mu.Lock()
	defer a.mu.Unlock()
	l, known := a.logins[c.User]
	if !known {
		l.hash = make([]byte, sha256.Size) // the same work for a name that is not there
	}
	right := subtle.ConstantTimeCompare(sum[:], l.hash) == 1
	if !known || !right {
		a.log.Warn("a client was turned away", "user", c.User, "remote", c.Remote, "reason", "user or password is wrong")
		return fabric.Permissions{}, false
	}
	if c.Protocol == fabric.MQTT && !a.ids.claim(c.ClientID, c.User) {
		a.log.Warn("a client was turned away", "user", c.User, "remote", c.Remote,
			"reason", "the MQTT client id "+c.ClientID+" belongs to another credential")
		return fabric.Permissions{}, false
	}
	return l.permissions, true
}

// Violated passes on what a connected client wanted and may not.
func (a *Access) Violated(v fabric.Violation) {
	a.mu.Lock()
	d := a.denials
	a.mu.Unlock()
	if d == nil {
		return
	}
	kind := exchange.DenySubscribe
	if v.Publish {
		kind = exchange.DenyPublish
	}
	d.Denied(exchange.Denial{Credential: true, Application: spec.Name(v.User), Topic: exchange.TopicOf(v.Subject), Kind: kind})
}
