package wire_test

import (
	"slices"

	"fescue.dev/fescue/exchange/wire"
)

// testCase is one golden vector before it is written down.
type testCase struct {
	name    string
	broker  bool // sent by the broker
	frame   []byte
	err     string // the code's name with which it is refused
	skipped bool
}

const token = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

func validCases() []testCase {
	all := wire.Requests | wire.Functions | wire.Logs
	every := all | wire.State | wire.Durable | wire.Histories | wire.Credits | wire.Modules
	complete := wire.WelcomeBody{Version: 1, Capabilities: every, MaxBody: wire.MinBody, Application: []byte("a"), Device: []byte("b")}
	hello := wire.HelloBody{Lowest: 1, Highest: 1, Capabilities: all, MaxBody: wire.DefaultBody,
		Token: []byte(token), Client: []byte("fescue-python/1.0")}
	tiny := wire.HelloBody{Lowest: 1, Highest: 3, MaxBody: 64}
	welcome := wire.WelcomeBody{Version: 1, Capabilities: all, MaxBody: wire.DefaultBody,
		Application: []byte("roots"), Device: []byte("kitchen-pi")}
	return append([]testCase{
		{name: "hello", frame: wire.AppendHello(nil, hello)},
		{name: "hello-of-a-worker", frame: wire.AppendHello(nil, tiny)},
		{name: "welcome", broker: true, frame: wire.AppendWelcome(nil, welcome)},
		{name: "welcome-all-capabilities", broker: true, frame: wire.AppendWelcome(nil, complete)},
		{name: "error-denied", broker: true, frame: wire.AppendError(nil, 7, wire.Denied, wire.Register, "poly/roots", "roots may not publish on poly/roots")},
		{name: "error-without-topic", broker: true, frame: wire.AppendError(nil, 0, wire.Unauthenticated, wire.Hello, "", "the token is not known")},
		{name: "error-of-a-responder", frame: wire.AppendError(nil, 9, wire.Internal, wire.Call, "", "division by zero")},
		{name: "ping-empty", frame: wire.AppendPlain(nil, wire.Ping, 0, "")},
		{name: "ping-full", broker: true, frame: wire.AppendPlain(nil, wire.Ping, 4294967295, repeat("p", 64))},
		{name: "pong", frame: wire.AppendPlain(nil, wire.Pong, 5, "abc")},
		{name: "goodbye", broker: true, frame: wire.AppendGoodbye(nil, wire.GoingAway, "the agent restarts")},
		{name: "ok", broker: true, frame: wire.AppendOK(nil, 7, wire.Register)},
		{name: "register", frame: wire.AppendPlain(nil, wire.Register, 7, "poly/request")},
		{name: "register-utf8", frame: wire.AppendPlain(nil, wire.Register, 65535, "küche/温度")},
		{name: "unregister", frame: wire.AppendPlain(nil, wire.Unregister, 7, "")},
		{name: "subscribe", frame: wire.AppendSubscribe(nil, 1, wire.DropOldest, 0, 0, "poly/#")},
		{name: "subscribe-block-answers", frame: wire.AppendSubscribe(nil, 2, wire.Block, wire.Answers|wire.NoLocal, 65535, "+/request")},
		{name: "subscribe-by-credit", frame: wire.AppendSubscribe(nil, 4, wire.DropNewest, wire.ByCredit, 8, "a/b")},
		{name: "unsubscribe", frame: wire.AppendPlain(nil, wire.Unsubscribe, 1, "")},
	}, slices.Concat(messageCases(), durableCases(), stateCases(), moduleCases())...)
}

func messageCases() []testCase {
	binary := []byte{0, 1, 2, 0xfd, 0xfe, 0xff}
	attributes := []wire.Attribute{{Name: "id", Value: "17"}, {Name: "source", Value: "fescue://kitchen-pi"}, {Name: "subject", Value: ""}}
	return []testCase{
		{name: "publish", frame: wire.AppendPublish(nil, 7, []byte(`{"coefficients":[1,0,-1]}`))},
		{name: "publish-binary", frame: wire.AppendPublish(nil, 258, binary)},
		{name: "publish-empty", frame: wire.AppendPublish(nil, 1, nil)},
		{name: "publish-300-bytes", frame: wire.AppendPublish(nil, 1, []byte(repeat("0123456789", 30)))},
		{name: "publishto", frame: wire.AppendPublishTo(nil, 0, "poly/roots", binary)},
		{name: "publishto-receipt", frame: wire.AppendPublishTo(nil, 305419896, "a", nil)},
		{name: "message", broker: true, frame: wire.AppendMessage(nil, 1, "poly/request", []byte("[1,0,-1]"))},
		{name: "message-topic-is-the-filter", broker: true, frame: wire.AppendMessage(nil, 2, "", []byte("[1,0,-1]"))},
		{name: "request", frame: wire.AppendRequest(nil, 9, 3000, "poly/solve", []byte("[1,0,-1]"))},
		{name: "call", broker: true, frame: wire.AppendCall(nil, 4294967295, 2, 3000, "poly/solve", []byte("[1,0,-1]"))},
		{name: "call-topic-is-the-filter", broker: true, frame: wire.AppendCall(nil, 1, 2, 250, "", nil)},
		{name: "reply-of-a-responder", frame: wire.AppendPlain(nil, wire.Reply, 4294967295, "[-1,1]")},
		{name: "reply", broker: true, frame: wire.AppendPlain(nil, wire.Reply, 9, "[-1,1]")},
		{name: "ready", frame: wire.AppendPlain(nil, wire.Ready, 0, "")},
		{name: "invoke", broker: true, frame: wire.AppendInvoke(nil, 3, 3000, attributes, []byte("[1,0,-1]"))},
		{name: "invoke-bare", broker: true, frame: wire.AppendInvoke(nil, 4, 0, nil, nil)},
		{name: "result", frame: wire.AppendPlain(nil, wire.Result, 3, "[-1,1]")},
		{name: "result-empty", frame: wire.AppendPlain(nil, wire.Result, 4, "")},
		{name: "failure", frame: wire.AppendFailure(nil, 3, "ValueError", "degree 0", "Traceback (most recent call last):\n  …")},
		{name: "cancel", broker: true, frame: wire.AppendPlain(nil, wire.Cancel, 3, "")},
		{name: "part-head", frame: wire.AppendPart(nil, 3, true, `{"statusCode":200}`)},
		{name: "part", frame: wire.AppendPart(nil, 3, false, string(binary))},
		{name: "part-empty", frame: wire.AppendPart(nil, 3, false, "")},
		{name: "more", broker: true, frame: wire.AppendNumber(nil, wire.More, 3, 131072)},
		{name: "log-warning", frame: wire.AppendPlain(nil, wire.Log, 2, "leading coefficient is 0")},
		{name: "extension-is-skipped", frame: wire.AppendPlain(nil, wire.Type(0xc1), 1, "from a later version"), skipped: true},
	}
}

func invalidCases() []testCase {
	bad := func(name string, frame []byte) testCase { return testCase{name: name, frame: frame, err: "malformed"} }
	hello := wire.AppendHello(nil, wire.HelloBody{Lowest: 2, Highest: 1, MaxBody: 1024})
	small := wire.AppendHello(nil, wire.HelloBody{Lowest: 1, Highest: 1, MaxBody: 63})
	return []testCase{
		bad("bad-unknown-type", wire.AppendPlain(nil, wire.Type(0x7f), 1, "")),
		bad("bad-type-zero", make([]byte, 8)),
		bad("bad-hello-empty", wire.AppendPlain(nil, wire.Hello, 0, "")),
		bad("bad-hello-token-cut", wire.AppendPlain(nil, wire.Hello, 0, "\x01\x01\x00\x00\x00\x00\x10\x00\x40\x00abc")),
		bad("bad-hello-more-bytes", extend(wire.AppendHello(nil, wire.HelloBody{Lowest: 1, Highest: 1, MaxBody: 1024}))),
		bad("bad-hello-versions", hello),
		bad("bad-hello-max-body", small),
		bad("bad-hello-id", wire.AppendPlain(nil, wire.Hello, 1, "\x01\x01\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00")),
		bad("bad-welcome-from-client", wire.AppendWelcome(nil, wire.WelcomeBody{Version: 1, MaxBody: 1024})),
		bad("bad-message-from-client", wire.AppendMessage(nil, 1, "a", nil)),
		bad("bad-register-id-0", wire.AppendPlain(nil, wire.Register, 0, "a")),
		bad("bad-register-id-65536", wire.AppendPlain(nil, wire.Register, 65536, "a")),
		bad("bad-unregister-body", wire.AppendPlain(nil, wire.Unregister, 1, "a")),
		bad("bad-subscribe-short", wire.AppendPlain(nil, wire.Subscribe, 1, "\x00\x00\x01")),
		bad("bad-subscribe-policy", wire.AppendSubscribe(nil, 1, 3, 0, 0, "a")),
		bad("bad-subscribe-flags", wire.AppendSubscribe(nil, 1, 0, 8, 0, "a")),
		bad("bad-publish-id-0", wire.AppendPublish(nil, 0, []byte("a"))),
		bad("bad-publishto-topic-cut", wire.AppendPlain(nil, wire.PublishTo, 0, "\x05\x00abcd")),
		bad("bad-request-short", wire.AppendPlain(nil, wire.Request, 1, "\x01\x00\x00")),
		bad("bad-request-id-0", wire.AppendRequest(nil, 0, 1, "a", nil)),
		bad("bad-ping-65-bytes", wire.AppendPlain(nil, wire.Ping, 0, repeat("p", 65))),
		bad("bad-failure-cut", wire.AppendPlain(nil, wire.Failure, 1, "\x01\x00a\x09\x00b")),
		bad("bad-goodbye-more-bytes", extend(wire.AppendGoodbye(nil, wire.GoingAway, "x"))),
		{name: "bad-invoke-attributes-cut", broker: true, frame: wire.AppendPlain(nil, wire.Invoke, 1, "\x00\x00\x00\x00\x02\x01\x00a\x01\x00b"), err: "malformed"},
		bad("bad-part-empty", wire.AppendPlain(nil, wire.Part, 1, "")),
		bad("bad-part-flags", wire.AppendPlain(nil, wire.Part, 1, "\x02a")),
		bad("bad-part-id-0", wire.AppendPart(nil, 0, false, "a")),
		{name: "bad-more-short", broker: true, frame: wire.AppendPlain(nil, wire.More, 1, "\x00\x00\x01"), err: "malformed"},
		{name: "bad-ok-empty", broker: true, frame: wire.AppendPlain(nil, wire.OK, 1, ""), err: "malformed"},
		{name: "bad-error-short", broker: true, frame: wire.AppendPlain(nil, wire.Error, 1, "\x04\x00\x10\x00\x00"), err: "malformed"},
		{name: "bad-publish-from-broker", broker: true, frame: wire.AppendPublish(nil, 1, nil), err: "malformed"},
		// Only the header: the receiver knows from it that it will skip the body.
		{name: "too-large", frame: wire.AppendHeader(nil, wire.Publish, 1, wire.DefaultBody+1), err: "too-large"},
	}
}

// extend adds a byte to a frame's body.
func extend(frame []byte) []byte {
	frame = append(frame, 'x')
	frame[0]++
	return frame
}
