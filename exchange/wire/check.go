package wire

// FromClient tells whether a client may send frames of this type.
func (t Type) FromClient() bool {
	switch t {
	case Hello, Error, Ping, Pong, Goodbye, Register, Unregister, Subscribe, Unsubscribe,
		Publish, PublishTo, Request, Reply, Ready, Result, Failure, Log:
		return true
	default:
		return false
	}
}

// FromBroker tells whether the broker may send frames of this type.
func (t Type) FromBroker() bool {
	switch t {
	case Welcome, Error, Ping, Pong, Goodbye, OK, Message, Call, Reply, Invoke, Cancel:
		return true
	default:
		return false
	}
}

// CheckClient examines a frame that a client sent: whether a client may send
// its type, and whether its id and body are what the type prescribes. Unknown
// extensions pass.
func CheckClient(f Frame) error {
	if f.Type >= Extension {
		return nil
	}
	if !f.Type.Known() {
		return f.bad("its type is unknown")
	}
	if !f.Type.FromClient() {
		return f.bad("only the broker sends it")
	}
	return f.check()
}

// CheckBroker examines a frame that the broker sent.
func CheckBroker(f Frame) error {
	if f.Type >= Extension {
		return nil
	}
	if !f.Type.Known() {
		return f.bad("its type is unknown")
	}
	if !f.Type.FromBroker() {
		return f.bad("only clients send it")
	}
	return f.check()
}

func (f Frame) check() (err error) {
	switch f.Type {
	case Hello:
		_, err = f.Hello()
	case Welcome:
		_, err = f.Welcome()
	case Error:
		_, err = f.Error()
	case Goodbye:
		_, _, err = f.Goodbye()
	case OK:
		_, err = f.OK()
	case Subscribe:
		_, err = f.Subscribe()
	case PublishTo, Message, Request, Call:
		_, err = f.Topical()
	case Invoke:
		_, err = f.Invoke()
	case Failure:
		_, err = f.Failure()
	case Ping, Pong:
		if len(f.Body) > MaxPing {
			return f.bad("its body is longer than 64 bytes")
		}
	case Unregister, Unsubscribe, Ready, Cancel:
		err = f.Empty()
	}
	if err != nil {
		return err
	}
	return f.checkID()
}

// checkID applies the ranges of ids.
func (f Frame) checkID() error {
	switch f.Type {
	case Register, Unregister, Subscribe, Unsubscribe, Publish, Message:
		return f.shortID()
	case Request, Call, Reply, Invoke, Result, Cancel: // FAILURE with id 0 is a handler that cannot be loaded
		if f.ID == 0 {
			return f.bad(badID)
		}
	case Hello, Welcome, Goodbye, Ready:
		if f.ID != 0 {
			return f.bad(badID)
		}
	}
	return nil
}
