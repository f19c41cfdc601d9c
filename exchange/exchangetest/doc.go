// Package exchangetest is the conformance suite of Data Xchange's links: what
// every link promises together with the router, told once. A link's tests call
// [Run] with a [Fixture], and [Main] from their TestMain.
//
// It also has [Client], a bare client that says exactly what a test wants, which
// the router's own tests use too.
package exchangetest
