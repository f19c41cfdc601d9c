// Package cgroup bounds and counts what the processes of one application take
// together, by the kernel's control groups: version 2 (cgroups(7), cgroup-v2 in
// the kernel's documentation) where its controllers are, else version 1.
//
// Package sandbox uses it. [Find] looks for a place in which this process may
// make groups; there may be none, for some controllers or for all, and
// [Parent.Has] tells. A group's limits hold for all processes in it, also for those
// that its processes start.
package cgroup
