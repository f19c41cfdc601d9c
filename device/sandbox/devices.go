package sandbox

import (
	"os"
	"slices"
	"syscall"

	"fescue.dev/fescue/fail"
)

// grantDevices checks the devices that a program may use, and gives it the groups
// that own them (dialout, video, gpio): being shown a device is not yet being allowed
// to open it.
func grantDevices(o Options) ([]int, error) {
	var groups []int
	for _, d := range o.Devices {
		if err := d.Validate(); err != nil {
			return nil, invalid(o, "%w", err)
		}
		info, err := os.Stat(string(d))
		if err != nil {
			return nil, fail.Wrap(err, fail.NotFound, "grant device", string(d))
		}
		if info.Mode()&os.ModeCharDevice == 0 {
			// A disk is everybody's files, a folder of devices not one of them.
			return nil, invalid(o, "%s is not a character device", d).WithHint("Name the device itself; disks cannot be granted.")
		}
		gid := int(info.Sys().(*syscall.Stat_t).Gid)
		if info.Mode()&0o060 != 0 && gid != 0 && !slices.Contains(groups, gid) {
			groups = append(groups, gid)
		}
	}
	return groups, nil
}
