// Package mqueue is the POSIX message queue link of Data Xchange: for each
// client two queues of the kernel, one in each direction, that carry the byte
// stream of frames in chunks. It has the lowest latency of the local links;
// the Unix socket has the higher rate and no limit on sessions worth naming.
//
// A client connects to a rendezvous socket and receives the descriptors of its
// two queues there (sdk/protocol.md, section Links). A queue has no name any
// more when the client gets it, so that nothing is left over whoever dies. The socket
// stays open as the session's lifeline, because a queue never tells that the
// other side is gone.
//
// The kernel limits the memory that the queues of one user may take
// (RLIMIT_MSGQUEUE, 819,200 bytes unless raised). So sessions get queues of a size that leaves
// room for others, smaller ones when it grows tight, and a clear refusal when
// nothing is left.
//
// The agent listens with [Listen]; Go clients connect with [Dial].
package mqueue
