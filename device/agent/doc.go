// Package agent is the long-lived part of a device. It joins the server's API,
// the fabric, the deployment engine, Data Xchange and the logs, and is nobody's
// library: app starts one for each device.
//
// What should run comes down: the agent asks the API for the desired state, at
// start, when the fabric hints that it changed, and every 30 s in case a hint was
// lost; it keeps the answer on disk and hands it to the engine. A device that is
// started without a server runs what it ran before. What users ask of the device
// at once (invoke, publish, tail, topics, logs, status) comes as calls over the fabric. Every 5 s the
// device says that it is there.
//
// It promises: no fault of server or network ends it or the applications, it tries again
// for ever with growing pauses; an older desired state than the one it has is never
// applied; when the context of [Agent.Run] ends it returns within seconds.
package agent
