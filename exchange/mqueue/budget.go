package mqueue

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/fail"
)

// sizes are what sessions get, the best first.
func sizes() []size { return []size{{10, 8192}, {8, 4096}, {4, 2048}, {4, 1024}} }

// share is the part of what is left of the budget that one session may take,
// so that the first sessions do not take all of it.
const share = 4

// budget knows what this process's queues have taken of each user's limit.
type budget struct {
	mu   sync.Mutex
	used map[int]int64
}

// queues are a session's: the broker's ends and the client's.
type queues struct {
	size              size
	payer             int   // the user they are charged to
	in, out           queue // the broker's: read from in, write to out
	theirIn, theirOut queue // the client's: it reads theirIn, writes theirOut
}

// make makes the queues of a client that runs as a user, as large as there is room
// for. What another process of the user has taken shows only in the kernel's refusal.
func (b *budget) make(client int) (queues, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	max := ceiling()
	limit := limitOf()
	list := sizes()
	user := payer(client)
	var last error
	for i, s := range list {
		s = size{min(s.count, max.count), min(s.bytes, max.bytes)}
		if i < len(list)-1 && 2*s.cost() > (limit-b.used[user])/share {
			continue
		}
		q, err := bothFor(user, s)
		if err == nil {
			if b.used == nil {
				b.used = map[int]int64{}
			}
			b.used[q.payer] += 2 * s.cost()
			return q, nil
		}
		if last = err; !scarce(err) {
			return queues{}, fail.Wrap(err, fail.Internal, "make message queues", "")
		}
	}
	return queues{}, exhausted(user, last)
}

func (b *budget) release(q queues) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used[q.payer] -= 2 * q.size.cost(); b.used[q.payer] <= 0 {
		delete(b.used, q.payer)
	}
}

// both makes the two queues. The client's end to read is open for writing too:
// a thread of the client's can wake the one that reads.
func both(s size) (queues, error) {
	in, theirOut, err := pair(s, unix.O_RDONLY, unix.O_WRONLY)
	if err != nil {
		return queues{}, err
	}
	out, theirIn, err := pair(s, unix.O_WRONLY, unix.O_RDWR)
	if err != nil {
		in.close()
		theirOut.close()
		return queues{}, err
	}
	return queues{size: s, in: in, out: out, theirIn: theirIn, theirOut: theirOut}, nil
}

// scarce tells whether something ran out: the user's bytes (EMFILE), the
// system's queues (ENOSPC), memory, or descriptors (ENFILE).
func scarce(err error) bool {
	for _, e := range []unix.Errno{unix.EMFILE, unix.ENOSPC, unix.ENOMEM, unix.ENFILE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func exhausted(user int, err error) error {
	what := "the system has no more message queues"
	if errors.Is(err, unix.EMFILE) {
		what = fmt.Sprintf("the message queues of user %d have taken all of the %d bytes they may", user, limitOf())
	}
	return fail.New(fail.Exhausted, "make message queues", "%s: %w", what, err).
		WithHint("Use `ipc: unix` for some applications, look what else of this user has queues (/dev/mqueue), or raise RLIMIT_MSGQUEUE (ulimit -q, LimitMSGQUEUE= of the systemd unit) or /proc/sys/fs/mqueue/queues_max.")
}

func limitOf() int64 {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MSGQUEUE, &r); err != nil || r.Cur > 1<<40 {
		return 1 << 40
	}
	return int64(r.Cur)
}
