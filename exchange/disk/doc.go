// Package disk is how Data Xchange writes what must survive a power cut: files of
// records that are only added to.
//
// A record has a checksum, so that one that was cut off by a crash is found and
// taken away. A [Writer] gathers what is added while a sync is under way and
// writes and syncs it together: one sync of the disk serves all who wait. Used by
// packages state and kept. It promises: when an append is told to have succeeded,
// the record is on the disk; when it is told to have failed, the record is not in
// the file, and the next append may succeed.
package disk
