// Package micro makes microcontrollers devices of Fescue. It opens the lines
// they are on (serial lines, sockets), speaks the wire protocol with the micro
// agent at the other end (micro/core), and is to package agent what the
// deployment engine is on a larger device: [Device] applies what should run there,
// invokes functions, and reports.
//
// A [Board] is one session with one microcontroller. It promises that a module is
// sent only when it can work there, goes on where an interrupted transfer
// stopped, and that what the board publishes and logs is attributed to the
// function that was running.
package micro
