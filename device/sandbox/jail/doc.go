// Package jail is the inner side of package sandbox: what the agent's binary
// does when it is executed again as the helper of one program. It runs in new
// namespaces, usually as their process 1, builds the file system that the
// program may see, starts the program without privileges, reaps what it leaves,
// and reports how it ended.
//
// Only package sandbox calls it: it writes the [Plan] and reads the messages. The
// helper trusts the plan and nothing else; it takes no arguments and no
// environment. It promises to start the program confined as the plan says or
// not at all, and to say which step failed.
package jail
