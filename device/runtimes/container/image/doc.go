// Package image reads container images (OCI image specification, and what `docker save`
// and `podman save` write) from an archive or a registry, and unpacks their layers into
// folders.
//
// The runtime container (device/runtimes/container) is its caller. It promises: every byte that is
// used has the digest that the image gives for it; nothing is written outside of the folder given,
// and no symbolic link is followed; an error names the entry, the layer or the member of the
// archive that is wrong. Nothing that it unpacks keeps an owner, a set-user-id bit or an extended
// attribute: within its container a program is one user, and every file is its own.
package image
