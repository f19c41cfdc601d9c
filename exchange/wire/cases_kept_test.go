package wire_test

import "fescue.dev/fescue/exchange/wire"

// atNoon is a time in the vectors: 2026-01-01 12:00 UTC. Numbers stay below
// 2^53, so that every language's JSON reads them.
const (
	atNoon = 1767268800000
	huge   = 1<<53 - 1
)

func durableCases() []testCase {
	consume := wire.ConsumeBody{Start: wire.StartTime, Window: 16, Patience: 10_000, Attempts: 5, From: atNoon,
		Place: []byte("solver"), DeadLetter: []byte("poly/failed"), Filter: []byte("poly/#")}
	plain := wire.ConsumeBody{Place: []byte("a"), Filter: []byte("poly/request")}
	delivery := wire.DeliveryBody{Sequence: 4711, Time: atNoon, Attempt: 2, Flags: wire.Delivered, Topic: []byte("poly/request"), Payload: []byte("[1,0,-1]")}
	first := wire.DeliveryBody{Sequence: huge, Time: atNoon, Attempt: 1, Topic: []byte("a")}
	return []testCase{
		{name: "consume", frame: wire.AppendConsume(nil, 3, consume)},
		{name: "consume-defaults", frame: wire.AppendConsume(nil, 65535, plain)},
		{name: "forget", frame: wire.AppendPlain(nil, wire.Forget, 10, "solver")},
		{name: "store", frame: wire.AppendStore(nil, 11, "7f-000017", "poly/request", []byte("[1,0,-1]"))},
		{name: "store-without-message-id", frame: wire.AppendStore(nil, 12, "", "a", nil)},
		{name: "store-message-id-64-bytes", frame: wire.AppendStore(nil, 13, repeat("i", 64), "a", nil)},
		{name: "delivery-again", broker: true, frame: wire.AppendDelivery(nil, 3, delivery)},
		{name: "delivery-first", broker: true, frame: wire.AppendDelivery(nil, 3, first)},
		{name: "ack-done", frame: wire.AppendAck(nil, 3, wire.AckBody{Sequence: 4711})},
		{name: "ack-again-in-1500-ms", frame: wire.AppendAck(nil, 3, wire.AckBody{Sequence: 4711, Verdict: wire.Again, Delay: 1500})},
		{name: "ack-again-in-the-brokers-time", frame: wire.AppendAck(nil, 3, wire.AckBody{Sequence: 1, Verdict: wire.Again, Delay: wire.OwnDelay})},
		{name: "ack-rejected", frame: wire.AppendAck(nil, 3, wire.AckBody{Sequence: huge, Verdict: wire.Rejected})},
		{name: "ack-still-at-it", frame: wire.AppendAck(nil, 3, wire.AckBody{Sequence: 2, Verdict: wire.StillAt})},
		{name: "history", frame: wire.AppendHistory(nil, 14, wire.HistoryBody{Flags: wire.Newest, Limit: 10, From: atNoon, Until: atNoon + 60_000, Filter: []byte("poly/+")})},
		{name: "history-of-everything", frame: wire.AppendHistory(nil, 15, wire.HistoryBody{Filter: []byte("poly/roots")})},
		{name: "past", broker: true, frame: wire.AppendPast(nil, 14, delivery)},
		{name: "credit", frame: wire.AppendNumber(nil, wire.Credit, 3, 100)},
		{name: "credit-for-a-publisher", broker: true, frame: wire.AppendNumber(nil, wire.Credit, 0, 4)},
	}
}

func stateCases() []testCase {
	put := wire.PutBody{Key: []byte("total"), Value: []byte("17")}
	swap := wire.PutBody{Condition: wire.IfRevision, Revision: 42, TTL: 3600, Key: []byte("rooms/küche/last"), Value: []byte{0, 0xff}}
	change := wire.ChangeBody{Revision: 43, Time: atNoon, Key: []byte("total"), Value: []byte("17")}
	gone := wire.ChangeBody{Kind: wire.KeyExpired, Revision: 44, Time: atNoon, Key: []byte("rooms/attic")}
	return []testCase{
		{name: "get", frame: wire.AppendPlain(nil, wire.Get, 20, "total")},
		{name: "value", broker: true, frame: wire.AppendValue(nil, 20, wire.ValueBody{Revision: 42, Time: atNoon, Value: []byte("16")})},
		{name: "value-empty", broker: true, frame: wire.AppendValue(nil, 20, wire.ValueBody{Revision: 1, Time: atNoon})},
		{name: "put", frame: wire.AppendPut(nil, 21, put)},
		{name: "put-if-revision-for-an-hour", frame: wire.AppendPut(nil, 22, swap)},
		{name: "put-if-absent", frame: wire.AppendPut(nil, 23, wire.PutBody{Condition: wire.IfRevision, Key: []byte("a")})},
		{name: "delete", frame: wire.AppendDelete(nil, 24, wire.Always, 0, "total")},
		{name: "delete-if-revision", frame: wire.AppendDelete(nil, 25, wire.IfRevision, 43, "total")},
		{name: "stored", broker: true, frame: wire.AppendStored(nil, 21, 43)},
		{name: "error-conflict", broker: true, frame: wire.AppendError(nil, 22, wire.Conflict, wire.Put, "rooms/küche/last", "the revision is 43")},
		{name: "error-not-found", broker: true, frame: wire.AppendError(nil, 20, wire.NotFound, wire.Get, "total", "there is no such key")},
		{name: "error-quota", broker: true, frame: wire.AppendError(nil, 21, wire.Quota, wire.Put, "total", "the state may have 16777216 bytes")},
		{name: "watch", frame: wire.AppendWatch(nil, 5, wire.WithPresent, "rooms/#")},
		{name: "watch-list-of-keys", frame: wire.AppendWatch(nil, 6, wire.WithPresent|wire.OnlyPresent|wire.KeysOnly, "#")},
		{name: "unwatch", frame: wire.AppendPlain(nil, wire.Unwatch, 5, "")},
		{name: "change-put", broker: true, frame: wire.AppendChange(nil, 5, change)},
		{name: "change-expired", broker: true, frame: wire.AppendChange(nil, 5, gone)},
		{name: "change-end-of-present", broker: true, frame: wire.AppendChange(nil, 5, wire.ChangeBody{Kind: wire.EndOfPresent, Time: atNoon})},
	}
}

func moduleCases() []testCase {
	offer := wire.OfferBody{Size: 250, Fuel: 1000, Memory: 4096, Function: []byte("roots"), Version: []byte("1.2.0"),
		Settings: []byte("topic=poly/request\nreply=poly/roots\n")}
	for i := range offer.Digest {
		offer.Digest[i] = byte(i)
	}
	held := []wire.Module{
		{Slot: 1, Size: 250, Digest: [8]byte{0, 1, 2, 3, 4, 5, 6, 7}, Function: []byte("roots"), Version: []byte("1.2.0")},
		{State: 3, Size: 64, Function: []byte("blink"), Version: []byte("0.1.0")},
	}
	return []testCase{
		{name: "offer", broker: true, frame: wire.AppendOffer(nil, 1, offer)},
		{name: "accept-from-the-begin", frame: wire.AppendAccept(nil, 1, wire.AcceptBody{Chunk: 64, Window: 128})},
		{name: "accept-resumed", frame: wire.AppendAccept(nil, 1, wire.AcceptBody{Offset: 192, Chunk: 64, Window: 65535})},
		{name: "chunk", broker: true, frame: wire.AppendChunk(nil, 1, 192, []byte{0, 'a', 's', 'm', 1, 0, 0, 0})},
		{name: "progress", frame: wire.AppendNumber(nil, wire.Progress, 1, 250)},
		{name: "commit", broker: true, frame: wire.AppendPlain(nil, wire.Commit, 1, "")},
		{name: "committed", frame: wire.AppendCommitted(nil, 1, 1)},
		{name: "abort-by-the-gateway", broker: true, frame: wire.AppendAbort(nil, 1, wire.GoingAway)},
		{name: "abort-of-a-module-that-traps", frame: wire.AppendAbort(nil, 1, wire.BadModule)},
		{name: "error-no-room", frame: wire.AppendError(nil, 1, wire.NoRoom, wire.Offer, "", "8192 bytes are free")},
		{name: "error-digest", frame: wire.AppendError(nil, 1, wire.Digest, wire.Commit, "", "")},
		{name: "remove", broker: true, frame: wire.AppendPlain(nil, wire.Remove, 2, "roots")},
		{name: "ok-of-a-removal", frame: wire.AppendOK(nil, 2, wire.Remove)},
		{name: "list", broker: true, frame: wire.AppendPlain(nil, wire.List, 3, "")},
		{name: "held", frame: wire.AppendHeld(nil, 3, held)},
		{name: "held-nothing", frame: wire.AppendHeld(nil, 3, nil)},
	}
}

// invalidKeptCases: for every frame whose body has fields, one that is a byte
// short of them; and values that do not exist.
func invalidKeptCases() []testCase {
	client := func(name string, frame []byte) testCase { return testCase{name: name, frame: frame, err: "malformed"} }
	broker := func(name string, frame []byte) testCase {
		return testCase{name: name, frame: frame, err: "malformed", broker: true}
	}
	zeros := func(t wire.Type, n int) []byte { return wire.AppendPlain(nil, t, 1, string(make([]byte, n))) }
	one := func(t wire.Type, body string) []byte { return wire.AppendPlain(nil, t, 1, body) }
	return []testCase{
		client("bad-consume-short", zeros(wire.Consume, 23)),
		client("bad-consume-start", wire.AppendConsume(nil, 1, wire.ConsumeBody{Start: 3, Place: []byte("a"), Filter: []byte("a")})),
		client("bad-consume-id-0", wire.AppendConsume(nil, 0, wire.ConsumeBody{Place: []byte("a"), Filter: []byte("a")})),
		client("bad-store-short", zeros(wire.Store, 3)),
		client("bad-store-topic-cut", one(wire.Store, "\x00\x00\x02\x00a")),
		client("bad-store-message-id-65-bytes", wire.AppendStore(nil, 1, repeat("i", 65), "a", nil)),
		client("bad-store-id-0", wire.AppendStore(nil, 0, "", "a", nil)),
		broker("bad-delivery-short", zeros(wire.Delivery, 21)),
		client("bad-delivery-from-client", zeros(wire.Delivery, 22)),
		client("bad-ack-short", zeros(wire.Ack, 15)),
		client("bad-ack-more-bytes", zeros(wire.Ack, 17)),
		client("bad-ack-verdict", wire.AppendAck(nil, 1, wire.AckBody{Verdict: 4})),
		client("bad-history-short", zeros(wire.History, 23)),
		client("bad-history-flags", wire.AppendHistory(nil, 1, wire.HistoryBody{Flags: 2, Filter: []byte("a")})),
		broker("bad-past-short", zeros(wire.Past, 17)),
		client("bad-credit-of-nothing", wire.AppendNumber(nil, wire.Credit, 0, 1)),
		broker("bad-credit-with-an-id", wire.AppendNumber(nil, wire.Credit, 1, 1)),
		client("bad-credit-short", zeros(wire.Credit, 3)),
		client("bad-get-id-0", wire.AppendPlain(nil, wire.Get, 0, "a")),
		client("bad-put-short", zeros(wire.Put, 17)),
		client("bad-put-key-cut", one(wire.Put, string(make([]byte, 16))+"\x05\x00abcd")),
		client("bad-put-condition", wire.AppendPut(nil, 1, wire.PutBody{Condition: 2, Key: []byte("a")})),
		client("bad-delete-short", zeros(wire.Delete, 11)),
		client("bad-watch-short", zeros(wire.Watch, 0)),
		client("bad-watch-flags", wire.AppendWatch(nil, 1, 8, "a")),
		client("bad-unwatch-body", one(wire.Unwatch, "a")),
		broker("bad-value-short", zeros(wire.Value, 15)),
		broker("bad-stored-short", zeros(wire.Stored, 7)),
		broker("bad-stored-more-bytes", zeros(wire.Stored, 9)),
		broker("bad-change-short", zeros(wire.Change, 21)),
		broker("bad-change-kind", wire.AppendChange(nil, 1, wire.ChangeBody{Kind: 4, Key: []byte("a")})),
		broker("bad-offer-short", zeros(wire.Offer, 47)),
		broker("bad-offer-version-cut", one(wire.Offer, string(make([]byte, 46))+"\x02\x00a")),
		client("bad-offer-from-client", zeros(wire.Offer, 48)),
		client("bad-accept-short", zeros(wire.Accept, 7)),
		client("bad-accept-window", wire.AppendAccept(nil, 1, wire.AcceptBody{Chunk: 64, Window: 63})),
		broker("bad-chunk-short", zeros(wire.Chunk, 3)),
		client("bad-progress-more-bytes", zeros(wire.Progress, 5)),
		broker("bad-commit-body", one(wire.Commit, "a")),
		client("bad-committed-empty", zeros(wire.Committed, 0)),
		broker("bad-abort-short", zeros(wire.Abort, 1)),
		client("bad-held-empty", zeros(wire.Held, 0)),
		client("bad-held-cut", one(wire.Held, "\x01"+string(make([]byte, 19)))),
		client("bad-held-more-bytes", extend(wire.AppendHeld(nil, 1, nil))),
		broker("bad-list-body", one(wire.List, "a")),
	}
}
