package wire

// FromClient tells whether a client may send frames of this type.
func (t Type) FromClient() bool {
	switch t {
	case Hello, Error, Ping, Pong, Goodbye, OK, Register, Unregister, Subscribe, Unsubscribe, Consume, Forget,
		Publish, PublishTo, Request, Reply, Store, Ack, History, Ready, Result, Failure, Part, Log,
		Get, Put, Delete, Watch, Unwatch, Accept, Progress, Committed, Abort, Held, Credit:
		return true
	default:
		return false
	}
}

// FromBroker tells whether the broker may send frames of this type.
func (t Type) FromBroker() bool {
	switch t {
	case Welcome, Error, Ping, Pong, Goodbye, OK, Message, Call, Reply, Delivery, Past, Invoke, Cancel, More,
		Value, Stored, Change, Offer, Chunk, Commit, Abort, Remove, List, Credit:
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
	if f.Type == Credit && (f.ID == 0 || f.ID > MaxID) {
		return f.bad(badID)
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
	if f.Type == Credit && f.ID != 0 {
		return f.bad(badID)
	}
	return f.check()
}

func (f Frame) check() error {
	check := f.checkSession
	switch {
	case f.Type >= Offer:
		check = f.checkModule
	case f.Type >= Get:
		check = f.checkState
	case f.Type >= Register:
		check = f.checkTopical
	}
	if err := check(); err != nil {
		return err
	}
	return f.checkID()
}

func (f Frame) checkSession() (err error) {
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
	case Ping, Pong:
		if len(f.Body) > MaxPing {
			return f.bad("its body is longer than 64 bytes")
		}
	}
	return err
}

func (f Frame) checkTopical() (err error) {
	switch f.Type {
	case Subscribe:
		_, err = f.Subscribe()
	case PublishTo, Message, Request, Call:
		_, err = f.Topical()
	case Consume:
		_, err = f.Consume()
	case Store:
		_, err = f.Store()
	case Delivery, Past:
		_, err = f.Delivery()
	case Ack:
		_, err = f.Ack()
	case History:
		_, err = f.History()
	case Invoke:
		_, err = f.Invoke()
	case Failure:
		_, err = f.Failure()
	case Part:
		_, _, err = f.Part()
	case More:
		_, err = f.Number()
	case Unregister, Unsubscribe, Ready, Cancel:
		err = f.Empty()
	}
	return err
}

func (f Frame) checkState() (err error) {
	switch f.Type {
	case Put, Delete:
		_, err = f.Put()
	case Watch:
		_, err = f.Watch()
	case Unwatch:
		err = f.Empty()
	case Value:
		_, err = f.Value()
	case Stored:
		_, err = f.Stored()
	case Change:
		_, err = f.Change()
	}
	return err
}

func (f Frame) checkModule() (err error) {
	switch f.Type {
	case Offer:
		_, err = f.Offer()
	case Accept:
		_, err = f.Accept()
	case Chunk:
		_, err = f.Chunk()
	case Progress, Credit:
		_, err = f.Number()
	case Commit, List:
		err = f.Empty()
	case Committed:
		_, err = f.Committed()
	case Abort:
		_, err = f.Abort()
	case Held:
		_, err = f.Held()
	}
	return err
}

// checkID applies the ranges of ids, but CREDIT's, which depends on who sends it.
func (f Frame) checkID() error {
	switch f.Type {
	case Register, Unregister, Subscribe, Unsubscribe, Consume, Publish, Message, Delivery, Ack, Watch, Unwatch, Change:
		return f.shortID()
	case Request, Call, Reply, Store, Forget, History, Past, Invoke, Result, Cancel, Part, More, // FAILURE with id 0 is a handler that cannot be loaded
		Get, Put, Delete, Value, Stored, Offer, Accept, Chunk, Progress, Commit, Committed, Abort, Remove, List, Held:
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
