// Package kept keeps the messages of topics on the device's disk: for delivery at
// least once, and for asking what has been.
//
// A [Log] is a topic filter's messages in order, in files of records (package
// disk), bounded in bytes and age. A [Place] is a name under which what was
// acknowledged is remembered; [Place.Consume] delivers to a consumer what has not
// been, again after a while without an answer, until it is done or has had its
// attempts. [Log.History] reads by topic and time. Called by package exchange.
//
// It promises: a message that was told as stored survives a power cut and is
// delivered to every place until that place acknowledges it, unless the log's own
// bound drops it, which is counted; a message that may have been delivered before
// says so; nothing depends on the clock but the times that messages carry, and
// their age.
package kept
