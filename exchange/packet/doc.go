// Package packet carries the byte stream of a session over lines that lose and
// garble bytes (serial lines) and over datagrams (UDP): section Packets of
// sdk/protocol.md, the broker's side of it.
//
// The gateway opens a line, gives it to [Serve], and is called with an
// exchange.Conn for each session that a microcontroller begins on it. The
// connection promises what every link does: the bytes in order, without loss, or
// an error. With keys it also promises that they come from who has the key, and
// are no repetition of what came before.
package packet
