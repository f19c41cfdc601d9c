// Package state is the durable key-value store that Data Xchange gives each
// application: put, get, delete, compare and set by revision, time to live, watch.
//
// A [Store] is one file of records (package disk). The keys and where their values
// lie are in memory, the values on the disk; what was overwritten is left out when
// the file is rewritten, which happens by itself. Called by package exchange for
// the frames GET to CHANGE. It promises: what is told as stored survives a power
// cut; a write that failed has changed nothing; revisions rise throughout a store
// and are never given twice; a watcher sees the last value of every key, in order
// of revision for each key.
package state
