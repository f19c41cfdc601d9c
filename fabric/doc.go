// Package fabric is what moves between the parts of Fescue that are not in one
// process or not there at the same moment: hints, calls, streams and events. It
// is an embedded NATS server with JetStream, kept behind typed functions.
//
// A [Server] has two accounts that cannot reach each other. In the control
// account (FESCUE) the server and the agents speak: a hint that the desired
// state changed ([Hint]), typed requests to a device ([Call], [Serve]), live
// streams from a device ([OpenStream], [ServeStream]), and the durable stream of
// events ([Journal] writes it on the device, [Consume] reads it on the server).
// In the data account (XCHANGE) are the messages of applications, for the NATS
// and MQTT clients that connect to it; Data Xchange joins it with a [Peer].
//
// Called by app (starts it), server/fleet and server/api (calls, streams,
// events) and device/agent (serves them). It promises: an event that was
// acknowledged survives a power cut; a call ends by its deadline and its error
// arrives with kind and hint; who listens to a stream is told when items were
// dropped or the other side fell silent; no port is open unless asked for, and
// then only with an [Authenticator].
package fabric
