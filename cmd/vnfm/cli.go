package main

import (
	"fmt"
	"time"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
)

// cli is the grammar of the command line.
type cli struct {
	Context string        `help:"Context to use, of those that vnfm config has; default: the current one." env:"VNFM_CONTEXT" placeholder:"NAME"`
	Server  string        `help:"Root of the server's API. Default: that of the context, else http://127.0.0.1:8080." env:"VNFM_SERVER" placeholder:"URL"`
	Token   string        `help:"Bearer token. What secret flags are given is taken out of the process list." env:"VNFM_TOKEN" placeholder:"TOKEN" secret:""`
	CACert  string        `name:"cacert" help:"File of the authorities that the server's certificate is verified with (PEM)." env:"VNFM_CACERT" placeholder:"FILE" predictor:"file"`
	Cert    string        `help:"File of a client certificate (PEM)." env:"VNFM_CERT" placeholder:"FILE" predictor:"file"`
	Key     string        `help:"File of its key (PEM)." env:"VNFM_KEY" placeholder:"FILE" predictor:"file"`
	OAuth   oauth         `embed:""`
	Output  screen.Form   `help:"Form of the output: table, wide (a table with everything in it), name (ids alone), csv, json, yaml or jsonpath=TEMPLATE." short:"o" default:"table" placeholder:"FORM" predictor:"form"`
	UTC     bool          `name:"utc" help:"Show times in UTC, not in the local zone."`
	Timeout time.Duration `help:"Give up after this time; what has begun goes on. 0: never." default:"0" placeholder:"TIME"`
	Poll    time.Duration `help:"How often a running operation is looked at." default:"200ms" placeholder:"TIME"`
	Verbose bool          `short:"v" help:"Show requests as curl commands on standard error; secrets are ***."`

	Apply        applyCmd                  `cmd:"" help:"Make VNFs what a file says: create, instantiate, scale, modify, upgrade, terminate what differs."`
	Plan         planCmd                   `cmd:"" help:"Show what apply would do, and do nothing."`
	Get          getCmd                    `cmd:"" help:"Write VNFs as apply takes them."`
	Package      packageCmd                `cmd:"" help:"VNF packages."`
	Vnf          vnfCmd                    `cmd:"" help:"VNF instances."`
	Op           opCmd                     `cmd:"" help:"Operations on VNF instances."`
	Snapshot     snapshotCmd               `cmd:"" help:"Snapshots of VNFs."`
	Sim          simCmd                    `cmd:"" help:"The simulated VIMs."`
	Vim          vimCmd                    `cmd:"" help:"VIM connections."`
	Management   managementCmd             `cmd:"" help:"How VNFs and element managers are reached."`
	Subscription subscriptionCmd           `cmd:"" help:"Subscriptions to notifications about life-cycle changes."`
	Notification notificationCmd           `cmd:"" help:"Notifications that subscribers have not got."`
	Events       eventsCmd                 `cmd:"" help:"What happens in the VNF manager."`
	Audit        auditCmd                  `cmd:"" help:"Look for what must never be; the record of all events, and of what was denied."`
	Cluster      clusterCmd                `cmd:"" help:"The nodes, and what they share."`
	Parked       parkedCmd                 `cmd:"" help:"Messages set aside because they could not be handled."`
	UI           uiCmd                     `cmd:"" name:"ui" help:"Open the console in a browser."`
	Login        loginCmd                  `cmd:"" help:"Make a context for a server, with a token that the server accepts, and use it from now on."`
	Config       configCmd                 `cmd:"" help:"Contexts: the servers that commands speak to, by name."`
	Bundle       bundleCmd                 `cmd:"" name:"support-bundle" help:"Write an archive of what whoever helps you needs to see; nothing secret is in it."`
	Completion   kongcompletion.Completion `cmd:"" help:"Print what makes a shell complete commands, flags and names."`
	Version      versionCmd                `cmd:"" help:"Print the version of this program, and of the server."`
}

// oauth is how the command line gets a token by itself.
type oauth struct {
	TokenURL     string `name:"token-url" help:"Where to fetch a token with client credentials (OAuth 2.0), instead of --token." env:"VNFM_TOKEN_URL" placeholder:"URL"`
	ClientID     string `name:"client-id" help:"Client id for it." env:"VNFM_CLIENT_ID" placeholder:"ID"`
	ClientSecret string `name:"client-secret" help:"Client secret for it." env:"VNFM_CLIENT_SECRET" placeholder:"SECRET" secret:""`
	Scope        string `help:"Scopes to ask for." env:"VNFM_SCOPE" placeholder:"WORDS"`
}

// graceful is a flag that may carry a time: --graceful or --graceful=30s.
type graceful struct {
	set     bool
	timeout time.Duration
}

// IsBool lets the flag stand without a value.
func (*graceful) IsBool() bool { return true }

// Decode reads the flag.
func (g *graceful) Decode(ctx *kong.DecodeContext) error {
	g.set = true
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		return nil
	}
	text := fmt.Sprint(ctx.Scan.Pop().Value)
	timeout, err := time.ParseDuration(text)
	if err != nil || timeout < time.Second {
		return fmt.Errorf("%q is not a time of a second or more, like 30s", text)
	}
	g.timeout = timeout
	return nil
}

// seconds is the time as requests have it; nil when there is none.
func (g *graceful) seconds() *int {
	if g.timeout == 0 {
		return nil
	}
	n := int(g.timeout.Seconds())
	return &n
}
