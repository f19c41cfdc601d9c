// Package engine is the deployment engine of a device: it makes what should run
// what does run.
//
// The agent hands it the desired state ([Engine.Apply]) and asks it to call functions
// ([Engine.Invoke]) and how things stand ([Engine.Status]). Each application has a goroutine of its own that
// takes its deployments one after the other; a deployment is an ordered list of small idempotent steps
// (spec.Steps, one file each), each with a deadline, each reported. Services are supervised,
// functions have a pool of workers that their triggers feed.
//
// It promises:
//
//   - An application that was switched to runs whenever the agent does, without
//     network, until something else is asked for.
//   - Whatever is killed at any instant, the next start converges, and nothing is left over.
//   - A version that does not come up leaves the one before running.
//   - A slow deployment holds back no other application; a newer one of the same application
//     takes over at once.
//   - The outcome of a deployment is reported, whatever happens between.
//   - [Engine.Run] returns within about eight seconds of its context's end, and no process is left then.
package engine
