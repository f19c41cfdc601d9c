package cli

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"
)

// UpOptions are what `fescue up` was asked for.
type UpOptions struct {
	State     string // state directory
	Listen    string // address of the API server
	Database  string // "" is SQLite in the state directory, else postgres://…
	Device    string // name of this device; "" is the host's name
	Labels    map[string]string
	AllowRoot bool // commands may ask for mode root
	// AllowDevices are patterns of the devices that applications may be granted.
	AllowDevices []string
	Log          *slog.Logger
	Version      string
	OnListen     func(url string) // called once the API answers
	AcceptLAN    bool             // Listen may be beyond loopback
	MQTT         string           // addresses on which clients with credentials may connect; "" is none
	NATS         string
	WebSocket    string
	Certificate  string // PEM files for TLS on these; "" is without
	Key          string
	TCP          string   // address on loopback where applications may connect over TCP; "" is none
	Gateway      string   // address of the functions' HTTP gateway; "" is none
	PollPeriod   string   // how often the agent asks for its desired state; "" is 30 s
	Micro        []string // lines where microcontrollers are
	Metrics      string   // address where the device tells its figures to Prometheus; "" is none
}

func (s *session) upCommand() *cobra.Command {
	o := UpOptions{}
	var verbose bool
	c := &cobra.Command{
		Use:   "up",
		Short: "Run server and device agent on this machine",
		Long: `Run the API server and a device agent in one process, until Ctrl-C or SIGTERM.

State is kept in one directory (--state). The API listens on loopback alone unless
--listen names another address. At the first start an admin token is made; it
lies in the state directory, readable by its owner alone, where the other commands
find it.`,
		Example: `  fescue up
  fescue up --state ./state --listen 127.0.0.1:9000
  fescue up --mqtt 0.0.0.0:1883                  # sensors: fescue create credential
  fescue up --mqtt 0.0.0.0:8883 --tls-cert device.pem --tls-key device.key
  fescue up --database postgres://fescue@localhost/fescue`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			o.State, o.Version = s.stateDir(), s.Version
			o.Log = slog.New(slog.NewTextHandler(s.Stderr, &slog.HandlerOptions{Level: level}))
			o.OnListen = func(url string) { s.announce(url, o.State) }
			return s.hooks.Up(c.Context(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8420", "address and port of the API server and console")
	f.BoolVar(&o.AcceptLAN, "expose", false, "allow --listen to be reachable from other machines")
	f.StringVar(&o.Database, "database", s.Getenv("FESCUE_DATABASE"), "postgres://… instead of SQLite (FESCUE_DATABASE)")
	f.StringVar(&o.Device, "device", "", "name of this device (default: the host's name)")
	f.StringToStringVar(&o.Labels, "label", nil, "labels of this device, name=value")
	f.StringArrayVar(&o.AllowDevices, "allow-device", nil, "let applications be granted devices that match, such as '/dev/ttyUSB*'; may be repeated")
	f.BoolVar(&o.AllowRoot, "allow-root", false, "let applications run commands in mode root")
	f.StringVar(&o.MQTT, "mqtt", "", "let MQTT clients with a credential connect, at this address (127.0.0.1:1883)")
	f.StringVar(&o.NATS, "nats", "", "let NATS clients with a credential connect, at this address (127.0.0.1:4222)")
	f.StringVar(&o.WebSocket, "websocket", "", "the same over WebSocket, for browsers; MQTT is at the path /mqtt")
	f.StringVar(&o.Certificate, "tls-cert", "", "certificate (PEM) with which --mqtt, --nats and --websocket speak TLS; read again when it changes")
	f.StringVar(&o.Key, "tls-key", "", "key (PEM) of --tls-cert")
	f.StringVar(&o.TCP, "tcp", "", "also let applications connect to Data Xchange over TCP, at this address on loopback")
	f.StringVar(&o.Gateway, "gateway", "127.0.0.1:8421", "address and port where functions answer HTTP; empty for none")
	f.StringArrayVar(&o.Micro, "micro", nil, "line where microcontrollers are: serial:/dev/ttyUSB0[@BAUD], or listening unix:PATH, tcp:ADDRESS, udp:ADDRESS; may be repeated")
	f.StringVar(&o.Metrics, "metrics", "", "tell the device's figures to Prometheus, at this address (:9464 is 127.0.0.1:9464)")
	f.StringVar(&o.PollPeriod, "poll", "", "how often the agent looks for changes on its own (default 30s)")
	f.BoolVarP(&verbose, "verbose", "v", false, "log every step")
	return c
}

// runUntilDone exists so that commands that follow end quietly on Ctrl-C.
func quietCancel(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return errReported
	}
	return err
}
