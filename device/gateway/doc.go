// Package gateway is a device's HTTP listener: requests become calls of functions.
//
// The engine gives it the routes of each application ([Gateway.Set]); a route is taken by
// one application at a time ([Gateway.Reserve] finds that out before a version
// is started). The gateway checks who calls, reads the body within its limit, into memory or to a
// file, calls the function, and makes what it returned a response. A route that is
// asynchronous keeps the request on disk before it answers 202.
//
// It promises:
//
//   - Nobody calls a route that is not public without the device's token, which is made at the
//     first start and kept in a file that its owner alone can read.
//   - A request that was answered 202 is carried out, at least once, whatever is killed.
//   - A caller is told within the route's time; no body is larger than the route allows.
//   - The gateway never ends the agent: an address that is taken is tried again.
package gateway
