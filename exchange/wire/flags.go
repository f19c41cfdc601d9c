package wire

// Policy says what happens to messages that find a subscription's queue full.
type Policy uint8

// The policies.
const (
	DropOldest Policy = 0
	DropNewest Policy = 1
	Block      Policy = 2
)

// Flags of SUBSCRIBE.
type Flags uint8

// The flags.
const (
	Answers  Flags = 1 << 0 // the subscriber answers requests
	NoLocal  Flags = 1 << 1 // it does not get what it published itself
	ByCredit Flags = 1 << 2 // it is sent messages only against CREDIT
)

// Start says where a new place of CONSUME begins.
type Start uint8

// The starts.
const (
	StartNew    Start = 0 // with what comes from now on
	StartOldest Start = 1 // with the oldest message kept
	StartTime   Start = 2 // with the first message not before a time
)

// Verdict is what a consumer answers a DELIVERY with.
type Verdict uint8

// The verdicts.
const (
	Done     Verdict = 0
	Again    Verdict = 1
	Rejected Verdict = 2
	StillAt  Verdict = 3
)

// OwnDelay in an ACK leaves the pause before the next attempt to the broker.
const OwnDelay = 1<<32 - 1

// Delivered is DELIVERY's flag: it may have been delivered before.
const Delivered = 1 << 0

// Newest is HISTORY's flag: the newest messages where there are too many.
const Newest = 1 << 0

// Condition of PUT and DELETE.
type Condition uint8

// The conditions.
const (
	Always     Condition = 0
	IfRevision Condition = 1 // the key has this revision; 0: there is no such key
)

// WatchFlags are WATCH's.
type WatchFlags uint8

// The flags.
const (
	WithPresent WatchFlags = 1 << 0 // first the present keys, then a CHANGE of kind EndOfPresent
	OnlyPresent WatchFlags = 1 << 1 // then no more
	KeysOnly    WatchFlags = 1 << 2 // without values
)

// ChangeKind says what became of a key.
type ChangeKind uint8

// The kinds.
const (
	KeyPut       ChangeKind = 0
	KeyDeleted   ChangeKind = 1
	KeyExpired   ChangeKind = 2
	EndOfPresent ChangeKind = 3
)
