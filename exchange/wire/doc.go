// Package wire reads and writes the frames of Fescue's wire protocol, version 1,
// which sdk/protocol.md specifies: what functions, services and microcontrollers
// speak with Data Xchange.
//
// The Append functions add one whole frame to a byte slice. [Buffer] and
// [Reader] find the frames in a stream of bytes; the methods of [Frame] read
// the fields of a body. Neither copies: what they return are views of the
// buffer, valid until it is filled again, and no call allocates memory on its
// way to success. A body that is not what its type prescribes is a
// [*FormatError]; topics and texts are not examined here.
//
// Its callers are package exchange, its links' tests and the benchmarks. The
// golden vectors in sdk/conformance/vectors.json come from this package's tests
// and are what every SDK is checked against.
package wire
