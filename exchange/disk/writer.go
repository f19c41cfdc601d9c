package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
)

// Writer adds records to a file. Its methods may be called from any goroutine.
type Writer struct {
	path string

	mu      sync.Mutex
	file    *os.File
	size    int64 // of what is synced
	batch   []byte
	done    []func(error) // of the batch, in order
	writing bool
	torn    bool       // what a failed batch left behind size could not be taken away
	idle    *sync.Cond // writing ended
	closed  bool
	spare   []byte
}

// Open opens a file of records, made if it is not there, for adding to it. visit
// is called for every record in it. What a crash has cut off at its end is removed.
func Open(path string, visit func(offset int64, record []byte) bool) (*Writer, error) {
	const op = "open file of records"
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if durable.Full(err) {
		return nil, refused(err, path)
	}
	if err != nil {
		return nil, fail.Wrap(err, fail.Internal, op, path)
	}
	good, err := Scan(f, 0, Buffer, visit)
	if errors.Is(err, ErrDamaged) {
		err = errors.Join(f.Truncate(good), f.Sync())
	}
	if err == nil {
		_, err = f.Seek(good, 0)
	}
	if err != nil {
		return nil, fail.Wrap(errors.Join(err, f.Close()), fail.Internal, op, path)
	}
	w := &Writer{path: path, file: f, size: good}
	w.idle = sync.NewCond(&w.mu)
	return w, nil
}

// Append adds a record and calls done when it is on the disk, or cannot be; done
// may be called before Append returns, never two at a time, in the order of the
// calls. The record is not kept.
func (w *Writer) Append(record []byte, done func(error)) {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		done(fail.New(fail.Unavailable, "write", "the file has been closed").On(w.path))
		return
	}
	w.batch = AppendRecord(w.batch, record)
	w.done = append(w.done, done)
	start := !w.writing
	w.writing = true
	w.mu.Unlock()
	if start {
		go w.write()
	}
}

// Waiting is how many bytes have not been synced.
func (w *Writer) Waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.batch)
}

// write writes batches until none is left.
func (w *Writer) write() {
	for {
		w.mu.Lock()
		if len(w.batch) == 0 {
			w.writing = false
			w.idle.Broadcast()
			w.mu.Unlock()
			return
		}
		batch, done := w.batch, w.done
		w.batch, w.done, w.spare = w.spare[:0], nil, nil
		w.mu.Unlock()
		err := w.commit(batch)
		for _, f := range done {
			f(err)
		}
		w.mu.Lock()
		if cap(batch) <= 1<<20 {
			w.spare = batch
		}
		w.mu.Unlock()
	}
}

// commit puts a batch on the disk. If that fails the file is as before. Only one
// goroutine at a time commits.
func (w *Writer) commit(batch []byte) error {
	var err error
	if w.torn {
		err = w.cut() // else whole records of the failed batch could stand behind a shorter one
	}
	if err == nil {
		_, err = w.file.WriteAt(batch, w.size)
	}
	if err == nil {
		err = w.sync()
	}
	if err != nil {
		return refused(errors.Join(err, w.cut()), w.path)
	}
	w.mu.Lock()
	w.size += int64(len(batch))
	w.mu.Unlock()
	return nil
}

// cut takes away what a failed batch left in the file.
func (w *Writer) cut() error {
	err := w.file.Truncate(w.size)
	w.torn = err != nil
	return err
}

// refused is the error for what the disk did not take.
func refused(err error, path string) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err // the path is told once
	}
	hint := "Look at the device's disk and the agent's log."
	if durable.Full(err) {
		hint = "The device's disk is full: make room. Nothing has to be restarted."
	}
	return fail.New(fail.Exhausted, "write", "%w", err).On(path).WithHint("%s", hint)
}

// Path is the file's name.
func (w *Writer) Path() string { return w.path }

// Rename gives the file another name, durably, in place of what had that name.
func (w *Writer) Rename(path string) error {
	if err := os.Rename(w.path, path); err != nil {
		return fail.Wrap(err, fail.Exhausted, "rename", w.path)
	}
	w.path = path
	return fail.Wrap(durable.SyncDir(filepath.Dir(path)), fail.Exhausted, "rename", path)
}

// Size is that of the file, as far as it is synced.
func (w *Writer) Size() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.size
}

// ReadAt reads what is synced.
func (w *Writer) ReadAt(p []byte, offset int64) (int, error) { return w.file.ReadAt(p, offset) }

// Flush waits until everything that was added before has been told done.
func (w *Writer) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.writing {
		w.idle.Wait()
	}
}

// Close waits for what is under way and closes the file.
func (w *Writer) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.Flush()
	return w.file.Close()
}
