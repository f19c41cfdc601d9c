package fabric

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Authenticator decides who may connect from outside. It is asked once for
// every connection, whichever protocol it speaks.
type Authenticator interface {
	// Authenticate returns what the client may do, or false when it may not
	// connect. It must not block.
	Authenticate(Credentials) (Permissions, bool)
}

// Credentials are what a client showed.
type Credentials struct {
	User, Password, Token string
	Protocol              Protocol
	ClientID              string // of MQTT, under which it has its session
	Remote                net.Addr
}

// Protocol is what a client speaks.
type Protocol string

// The protocols. Both also come over WebSocket.
const (
	NATS Protocol = "nats"
	MQTT Protocol = "mqtt"
)

// Permissions are the NATS subjects of the data account that a client may use.
// What is not listed is denied; to a request it may answer once.
type Permissions struct {
	Publish, Subscribe []string
}

// Violation is something that a connected client wanted to do and may not. NATS
// clients are told by the server, MQTT 3.1.1 has no answer for a refused publish.
type Violation struct {
	User    string
	Publish bool // else subscribe
	Subject string
}

// Names of the accounts, and of the users of connections within the process.
const (
	controlAccount = "FESCUE"
	dataAccount    = "XCHANGE"
	insideControl  = "inside-control"
	insideData     = "inside-data"
)

// gate is nats-server's authentication: connections from within the process
// show a secret made at start, all others go to the authenticator and come into
// the data account only.
type gate struct {
	secret        string
	control, data *server.Account
	auth          Authenticator // nil: nobody from outside
	clients       clients
}

func newGate(auth Authenticator) *gate {
	return &gate{secret: rand.Text(), auth: auth}
}

// register finds the accounts that the server made from its options: it works
// on copies of those it was given. Nobody connects before.
func (g *gate) register(s *server.Server) (err error) {
	if g.control, err = s.LookupAccount(controlAccount); err != nil {
		return err
	}
	g.data, err = s.LookupAccount(dataAccount)
	return err
}

// Check implements nats-server's Authentication.
func (g *gate) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	inside := subtle.ConstantTimeCompare([]byte(o.Password), []byte(g.secret)) == 1
	switch {
	case inside && o.Username == insideControl:
		c.RegisterUser(&server.User{Username: o.Username, Account: g.control})
		return true
	case inside && o.Username == insideData:
		c.RegisterUser(&server.User{Username: o.Username, Account: g.data})
		return true
	case g.auth == nil || c.Kind() != server.CLIENT:
		return false
	}
	protocol, id := describe(c)
	may, ok := g.auth.Authenticate(Credentials{
		User: o.Username, Password: o.Password, Token: o.Token, Protocol: protocol, ClientID: id, Remote: c.RemoteAddress(),
	})
	if !ok {
		return false
	}
	g.clients.note(c.GetID(), outside{o.Username, may.Subscribe})
	c.RegisterUser(&server.User{Username: o.Username, Account: g.data, Permissions: may.enforced()})
	return true
}

// enforced are the permissions as nats-server takes them. Without any entry it
// would allow everything, so what is not listed is denied by name. Replies to a
// client's own requests come to its inbox.
func (p Permissions) enforced() *server.Permissions {
	of := func(subjects []string) *server.SubjectPermission {
		if len(subjects) == 0 {
			return &server.SubjectPermission{Deny: []string{">"}}
		}
		return &server.SubjectPermission{Allow: subjects}
	}
	e := &server.Permissions{
		Publish: of(p.Publish), Subscribe: of(p.Subscribe),
		Response: &server.ResponsePermission{MaxMsgs: 1, Expires: time.Minute},
	}
	e.Subscribe.Deny = append(e.Subscribe.Deny, beyond(p.Subscribe)...)
	return e
}
