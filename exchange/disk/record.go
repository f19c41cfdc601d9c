package disk

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// Overhead is what a record takes beside its own bytes: a checksum and a length.
const Overhead = 8

// MaxRecord bounds a record, so that a damaged length is known for one.
const MaxRecord = 1<<24 + 1<<16

var le = binary.LittleEndian

// castagnoli is the polynomial that processors compute by themselves. The table
// never changes.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendRecord adds a record to b.
func AppendRecord(b, record []byte) []byte {
	b = le.AppendUint32(b, sum(record))
	b = le.AppendUint32(b, uint32(len(record)))
	return append(b, record...)
}

// sum covers the length too: a file full of zeros is no file of records.
func sum(record []byte) uint32 {
	var length [4]byte
	le.PutUint32(length[:], uint32(len(record)))
	return crc32.Update(crc32.Update(0, castagnoli, length[:]), castagnoli, record)
}

// ErrDamaged is a record that is not what was written.
var ErrDamaged = errors.New("a record is damaged")

// Buffer is how much [Scan] reads at once at most.
const Buffer = 64 << 10

// Scan reads records from r, which begins at offset, until the end, or until
// visit returns false, at most buffer bytes at once. The record is valid during the call. good is the offset
// after the last whole record; err is ErrDamaged if something else follows it.
func Scan(r io.Reader, offset int64, buffer int, visit func(offset int64, record []byte) bool) (good int64, err error) {
	in := bufio.NewReaderSize(r, buffer)
	var record []byte
	for {
		record, err = next(in, record)
		if errors.Is(err, io.EOF) {
			return offset, nil
		}
		if err != nil {
			return offset, err
		}
		if !visit(offset, record) {
			return offset, nil
		}
		offset += Overhead + int64(len(record))
	}
}

// next reads a record into buffer if it has room.
func next(in *bufio.Reader, buffer []byte) ([]byte, error) {
	header, err := in.Peek(Overhead)
	if len(header) < Overhead {
		if len(header) == 0 {
			return nil, err // the end, or a fault of the disk
		}
		return nil, damaged(err)
	}
	want := le.Uint32(header)
	n := int(le.Uint32(header[4:]))
	if n > MaxRecord {
		return nil, ErrDamaged
	}
	if _, err := in.Discard(Overhead); err != nil {
		return nil, err
	}
	if cap(buffer) < n {
		buffer = make([]byte, n, n+n/2)
	}
	record := buffer[:n]
	if _, err := io.ReadFull(in, record); err != nil {
		return nil, damaged(err)
	}
	if sum(record) != want {
		return nil, ErrDamaged
	}
	return record, nil
}

func damaged(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return ErrDamaged
	}
	return err
}

// ReadAt reads the record at an offset, of which the length is known.
func ReadAt(r io.ReaderAt, offset int64, length int) ([]byte, error) {
	b := make([]byte, Overhead+length)
	if _, err := r.ReadAt(b, offset); err != nil {
		return nil, damaged(err)
	}
	if int(le.Uint32(b[4:])) != length || sum(b[Overhead:]) != le.Uint32(b) {
		return nil, ErrDamaged
	}
	return b[Overhead:], nil
}
