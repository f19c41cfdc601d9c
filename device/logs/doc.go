// Package logs keeps what applications print: line by line, with time, stream and
// version, in plain files that grep reads.
//
// A line of a file is one record:
//
//	2026-11-23T05:41:02.123456Z 1.0.0 stdout text
//	2026-11-23T05:41:02.123457Z 1.0.0 log:warning text
//
// Each application has a directory of segments (00000001.log, …) and a quota; when it is
// reached the oldest segment goes. Nothing is synced: flash wears out by that, and a
// killed agent loses no written line anyway, since they are with the kernel. A
// power cut can take the last seconds.
//
// The deployment engine writes ([Store.Writer]) and asks for the last lines of what
// failed ([Writer.Tail]); the agent reads and follows for users ([Store.Read],
// [Store.Follow]). The package promises: writing never fails and never blocks for
// a reader, whatever the disk says; the quota holds; a follower sees each line once and
// in order, or is told how many it missed.
package logs
