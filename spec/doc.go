// Package spec is Fescue's vocabulary: the configuration that users write, and
// the names, topics, versions, digests and records that server, device and
// command line exchange. It does no input or output and starts nothing, so that
// every package may import it.
//
// A [Configuration] is decoded with [Decode], which reports every fault of a
// text at once, each with line, column, field and what to do. Topics follow MQTT
// ([Topic], [Filter]); versions follow semver.org ([Version], [Range]); the
// records ([Application], [Deployment], [Device], [Event], …) are what the API
// sends as JSON.
package spec
