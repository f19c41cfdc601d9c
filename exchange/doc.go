// Package exchange is Data Xchange, the publish/subscribe broker of a device.
// Functions, services and microcontrollers hold sessions with it: a link (a Unix
// socket, a pair of POSIX message queues, …) that carries the frames of one wire
// protocol, sdk/protocol.md.
//
// A [Router] moves messages between sessions in memory. It promises:
//
//   - Nothing is published or received without permission: an application has
//     what [Router.Grant] gave it, and changes of it apply to live sessions at once.
//   - Messages of one publisher on one topic arrive in the order of publishing.
//   - A slow or dead receiver costs bounded memory, and nobody else more than the
//     policy of its subscription says. What is dropped is counted and told.
//   - No allocation of memory per message between sessions, and no lock is held
//     while a link is read or written.
//
// Callers: the agent serves the links' connections with [Router.Serve], the
// engine grants and revokes, runtimes call functions through a [Worker], triggers
// and the console's tail use [Router.Local]. Messages cross to NATS and MQTT
// clients through [Router.Peer]. docs/design/exchange.md tells why it is so.
package exchange
