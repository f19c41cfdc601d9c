package packet

import "errors"

// errReset ends the old session of a client that began anew.
var errReset = errors.New("the client began a new session")
