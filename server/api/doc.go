// Package api is the API server: the HTTP interface through which the CLI, the
// console and devices reach Fescue. Its OpenAPI 3.1 document is generated from
// the code, kept as a golden file and served, with a readable page.
//
// Package app makes a [Server] and runs it on a listener of [Listen]. The server
// reads the database (server/store), changes it through fleet, keeps archives in
// an artifact.Store, and reaches devices over the fabric ([Devices]).
//
// It promises: nothing is answered without a token but what tells nothing; every
// error is an RFC 9457 problem with a stable code; an upload is never whole in
// memory, and one that breaks off leaves nothing; a watcher of events misses none
// and sees none twice, however slow it is, and costs a bounded amount of memory;
// no peer that falls silent holds a request for ever.
package api
