package cli

import (
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fescue.dev/fescue/device/micro"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func (s *session) microCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "micro",
		Short: "Microcontrollers: enrol them, find and look at them",
		Long: `Microcontrollers run functions as WebAssembly, behind a device that is their gateway
('fescue up --micro LINE'). Once enrolled and connected, one is a device as any other: deploy to
it with --device, or look at it with 'fescue get devices'.`,
		Example: `  fescue micro ports
  fescue micro provision shed
  fescue up --micro serial:/dev/ttyUSB0
  fescue deploy ./blink --device shed`,
	}
	c.AddCommand(s.microProvisionCommand(), s.microPortsCommand(), s.microInfoCommand(), s.microMonitorCommand(), s.microSimulateCommand(), s.microBenchCommand())
	return c
}

func (s *session) microProvisionCommand() *cobra.Command {
	header, signKey := false, ""
	c := &cobra.Command{
		Use:   "provision NAME",
		Short: "Enrol a microcontroller on this machine's gateway: make its key",
		Long: `Makes the key with which a microcontroller and its gateway know each other, in the gateway's
state directory on this machine, and prints it. The firmware needs it: as a header with --header.

With --sign-key the board takes only modules that were signed with the key of that PEM file, which is made
if it is not there: keep it where functions are built ('fescue build --sign-key'), not on the gateway.`,
		Example: `  fescue micro provision shed
  fescue micro provision shed --header > device_key.h
  fescue micro provision shed --header --sign-key sign.pem > device_key.h`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, a []string) error {
			sign, err := verifyingKey(signKey)
			if err != nil {
				return err
			}
			key, err := s.microKeys().Enrol(spec.DeviceID(a[0]))
			if err != nil {
				return err
			}
			if header {
				_, err = fmt.Fprint(s.Stdout, keyHeader(a[0], key, sign))
				return err
			}
			if sign != "" {
				key += "\nsigning key: " + sign
			}
			_, err = fmt.Fprintln(s.Stdout, key)
			return err
		},
	}
	c.Flags().BoolVar(&header, "header", false, "print a C header")
	c.Flags().StringVar(&signKey, "sign-key", "", "PEM file of an Ed25519 key; the board takes only what is signed with it")
	return c
}

// verifyingKey is the public key of a PEM file in hexadecimal; "" of no file.
func verifyingKey(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	key, err := micro.VerifyingKey(path)
	return hex.EncodeToString(key), err
}

// keyHeader is a board's name and keys for its firmware.
func keyHeader(name, key, sign string) string {
	text := fmt.Sprintf("/* Keep this file to yourself: who has the key is %s. */\n#define FESCUE_DEVICE \"%s\"\n%s", name, name, keyMacro("FESCUE_KEY", key))
	if sign != "" {
		text += "/* Modules must be signed; this key is public. */\n" + keyMacro("FESCUE_SIGN_KEY", sign)
	}
	return text
}

func keyMacro(name, key string) string {
	var bytes []string
	for i := 0; i < len(key); i += 2 {
		bytes = append(bytes, "0x"+key[i:i+2])
	}
	var lines []string
	for part := range slices.Chunk(bytes, 8) {
		lines = append(lines, "\t"+strings.Join(part, ", ")+",")
	}
	return fmt.Sprintf("#define %s { \\\n%s \\\n}\n", name, strings.Join(lines, " \\\n"))
}

func (s *session) microPortsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "ports",
		Short:   "List this machine's serial lines",
		Example: `  fescue micro ports`,
		Args:    args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			ports := serialPorts("/dev")
			if len(ports) == 0 {
				return fail.New(fail.NotFound, "list serial lines", "there are none").
					WithHint("Plug in the board; in a container or virtual machine, its USB device must be passed through.")
			}
			for _, p := range ports {
				if _, err := fmt.Fprintln(s.Stdout, "serial:"+p); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// serialPorts are the lines of USB adapters and boards, by names that stay when
// they are plugged in again, if the system has those.
func serialPorts(dev string) []string {
	find := func(pattern string) []string {
		found, _ := filepath.Glob(filepath.Join(dev, pattern)) // the patterns are good
		return found
	}
	ports := find("serial/by-id/*")
	if len(ports) == 0 {
		ports = append(find("ttyUSB*"), find("ttyACM*")...)
	}
	slices.Sort(ports)
	return ports
}

func (s *session) microInfoCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "info NAME",
		Short:   "Tell what a microcontroller has: board, memory, slots, machine",
		Example: `  fescue micro info shed`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			api, err := s.client()
			if err != nil {
				return err
			}
			d, err := api.Device(c.Context(), spec.DeviceID(a[0]))
			if err != nil {
				return err
			}
			if !strings.HasPrefix(string(d.Platform), "micro/") {
				return fail.New(fail.Invalid, "tell of microcontroller", "it is a device of platform %s", d.Platform).On(a[0])
			}
			lines := [][2]string{{"board", string(d.Platform)}, {"connected", fmt.Sprint(d.Connected)}}
			for _, key := range []string{"gateway", "memory", "module", "slots", "functions", "runtime.wasm", "host", "signed"} {
				lines = append(lines, [2]string{key, d.Facts[key]})
			}
			for _, l := range lines {
				if _, err := fmt.Fprintf(s.Stdout, "%-14s %s\n", l[0], l[1]); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
