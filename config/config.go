// Package config is the program's settings: one struct with defaults, read from a file, the environment and flags, in
// rising order of precedence.
//
// It is strict: a key the struct does not have is an error, and Validate reports every problem at once. The reference
// page docs/reference/config.md is generated from the struct's tags, so that it cannot drift.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnfd"
)

// Config is every setting of vnfmd. Flags are --section-name, environment variables VNFM_SECTION_NAME, file keys
// section.name.
type Config struct {
	Listen       string        `default:"127.0.0.1:8080" help:"Address and port the API listens on. Port 0 takes a free one."`
	BaseURL      string        `name:"base-url" help:"URL under which clients reach the API, for absolute links; empty: taken from each request." placeholder:"URL"`
	Data         string        `default:"./data" type:"path" help:"Folder of the embedded database, the package files and the simulated VIM."`
	Database     string        `help:"PostgreSQL URL; empty: the embedded SQLite database in the data folder." placeholder:"URL" secret:""`
	DatabaseWait time.Duration `name:"database-wait" default:"30s" help:"How long a start waits for a PostgreSQL that does not answer yet; then it ends."`
	Roles        []string      `default:"all" help:"What this process does: api, orchestrator, relay, projector, notifier, vim-manager, nfvo-manager; all: everything. Processes of one database share the work of each role. Without api a process serves health, readiness and metrics only." placeholder:"ROLE"`
	Bus          string        `default:"embedded" help:"What carries commands, replies and events: embedded, or Apache Kafka for many nodes and readers outside: kafka://HOST:PORT,HOST:PORT." placeholder:"BUS"`
	Publish      string        `default:"polling" enum:"polling,cdc" help:"Who hands the outbox and the events to Kafka (${enum}): this program, which polls them, or Kafka Connect with Debezium's connector, which captures them from PostgreSQL's log. What the node that started last is set to is carried out, as soon as nothing is lost by it."`
	PublishName  string        `default:"vnfm" help:"Names the publication and the replication slot of publish=cdc in the database; that of vim-database has _vims behind it." placeholder:"NAME"`
	Node         string        `help:"Name of this node in leases and logs; empty: host name and process id."`
	APIToken     string        `name:"api-token" help:"Bearer token of an administrator, of 12 characters at least; empty: there is none. Without any of api-token, api-token-file, auth-issuer and auth-certificates nobody is asked who they are, which is allowed on loopback only. Given as a flag it is taken out of the process list." placeholder:"TOKEN" secret:""`
	APITokenFile string        `name:"api-token-file" help:"File with the api-token in its first line, instead of it." placeholder:"FILE"`

	Log          Log          `embed:"" prefix:"log-"`
	Trace        Trace        `embed:"" prefix:"trace-"`
	HTTP         HTTP         `embed:"" prefix:"http-"`
	TLS          TLS          `embed:"" prefix:"tls-"`
	Auth         Auth         `embed:"" prefix:"auth-"`
	Operation    Operation    `embed:"" prefix:"operation-"`
	Vim          Vim          `embed:"" prefix:"vim-"`
	Reconcile    Reconcile    `embed:"" prefix:"reconcile-"`
	Package      Package      `embed:"" prefix:"package-"`
	Max          Max          `embed:"" prefix:"max-"`
	Nfvo         Nfvo         `embed:"" prefix:"nfvo-"`
	Management   Management   `embed:"" prefix:"management-"`
	Coordination Coordination `embed:"" prefix:"coordination-"`
	Egress       Egress       `embed:"" prefix:"egress-"`
	Notification Notification `embed:"" prefix:"notification-"`
	Idempotency  Idempotency  `embed:"" prefix:"idempotency-"`
	Keep         Keep         `embed:"" prefix:"keep-"`
	Lane         Lane         `embed:"" prefix:"lane-"`
	Kafka        Kafka        `embed:"" prefix:"bus-"`
	Audit        Audit        `embed:"" prefix:"audit-"`
	Secret       Secret       `embed:"" prefix:"secret-"`
}

// Log says what is logged and how.
type Log struct {
	Level  string `default:"info" enum:"debug,info,warn,error" help:"Least severe level logged (${enum})." reload:""`
	Format string `default:"text" enum:"text,json" help:"Form of a log line (${enum})."`
	Access bool   `help:"A line for each request: method, route, status, how long it took, who asked, and what it is about. Requests for health and metrics only at the level debug." reload:""`
}

// Least is the level from which on is logged.
func (l Log) Least() (level slog.Level, err error) {
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return 0, fmt.Errorf("log-level: %w", err)
	}
	return level, nil
}

// Trace says where traces go.
type Trace struct {
	Endpoint string  `help:"OTLP/HTTP endpoint that traces are sent to, e.g. http://127.0.0.1:4318; empty: traces are not exported." placeholder:"URL"`
	Ratio    float64 `default:"1" help:"Share of operations traced, 0 to 1."`
}

// HTTP bounds what the API takes.
type HTTP struct {
	PageSize         int           `default:"100" help:"Entries per page of a list; 0: one page holds all."`
	Hosts            []string      `help:"Names, beside those of loopback and base-url's, under which a server without authentication is called: requests with another Host are refused, so that no web page can reach it under a name of its own." placeholder:"NAME"`
	Connections      int           `default:"4096" help:"Connections of clients open at once, and never more than three quarters of the files that the process may have open; for one more, that without a request for longest is closed."`
	MaxBody          int64         `default:"8388608" help:"Largest request body in bytes, package contents excepted."`
	MaxSmallBody     int64         `default:"65536" help:"The same where a request says little: cancel, fail, decisions about stuck resources, new packages, what the NFVO tells of its packages."`
	JSONNames        int           `name:"json-names" default:"50000" help:"Names in the JSON objects of one request body, all together."`
	JSONValues       int           `name:"json-values" default:"200000" help:"Values in one request body: members of objects and entries of arrays, all together."`
	JSONDepth        int           `name:"json-depth" default:"64" help:"How deeply the objects and arrays of a request body are nested."`
	JSONText         int           `name:"json-text" default:"262144" help:"One text in a request body, in bytes: a name, a value of metadata, a credential."`
	ReadTimeout      time.Duration `default:"10m" help:"Longest time to read one request, a package upload included."`
	BodyTimeout      time.Duration `default:"30s" help:"Longest time to read a request body, package contents excepted."`
	MinRate          int64         `default:"1024" help:"Bytes per second at which a body has to come, and an answer to be taken, on average after the first ten seconds; 0: no bound."`
	Concurrent       int           `default:"1024" help:"Requests served at once, and of one caller, where callers are known, half of what the others leave; one more is answered 503 with Retry-After. Followers of events have places of their own. Health, readiness and metrics are always served. 0: as many as connections." reload:""`
	CallerConcurrent int           `default:"256" help:"Requests of one caller served at once, where callers are known; one more is answered 429 with Retry-After. 0: no bound but http-concurrent's." reload:""`
	Followers        int           `default:"1000" help:"Event streams open at once, and by one caller half of what the others leave; one more is answered 503. 0: as many as connections." reload:""`
	CallerFollowers  int           `default:"100" help:"Event streams of one caller open at once; one more is answered 429. 0: no bound but http-followers'." reload:""`
	LargeBodies      int           `default:"16" help:"Request bodies over 256 KiB in memory at once, package contents excepted, and of one caller half of what the others leave; one more is answered 503 or 429. 0: no bound." reload:""`
	Rate             float64       `default:"100" help:"Requests per second one caller may send on average, and one address without a valid caller; more are answered 429 with Retry-After. 0: no bound. Without authentication there is none." reload:""`
	Burst            int           `default:"200" help:"Requests one caller may send at once before http-rate counts." reload:""`
	Drain            time.Duration `help:"How long a server that is told to stop goes on serving while it says that it is not ready, so that a balancer sends requests elsewhere before connections are refused. Its other work is handed over at once."`
	StopTimeout      time.Duration `default:"20s" help:"Longest time that a stop waits for requests and running work."`
	ReadyTimeout     time.Duration `default:"2s" help:"Longest time a readiness check waits for the database."`
}

// Operation says how LCM operations behave.
type Operation struct {
	Deadline        time.Duration     `default:"1h" help:"Longest time of one operation; then it is FAILED_TEMP."`
	StepTimeout     time.Duration     `default:"2m" help:"Longest wait for the reply to one command; then it may be sent again."`
	Attempts        int               `default:"5" help:"Attempts of one command before the step has failed."`
	Backoff         time.Duration     `default:"1s" help:"Wait before the second attempt; doubled for each next one, up to a minute."`
	OnFailure       map[string]string `help:"What happens to a failed operation, by operation: rollback or hold, e.g. INSTANTIATE=hold. Default: rollback for INSTANTIATE and SCALE out, hold for all others." placeholder:"OPERATION=POLICY"`
	Batch           int               `default:"0" help:"Machines that a change of the VNF package changes, or makes again, at a time, where neither request nor VNFD say. The next ones wait until these are ready, and the first failure stops it. 0: all at once."`
	BlueGreen       bool              `help:"A change of the VNF package makes new machines beside the old ones, which go once the new ones are ready and have been told, where neither request nor VNFD say, and where addresses allow."`
	GracefulTimeout time.Duration     `default:"1m" help:"How long a graceful termination or stop waits when the request does not say."`
	GracefulLimit   time.Duration     `default:"24h" help:"Longest gracefulTerminationTimeout or gracefulStopTimeout that a request may ask for; a longer one is refused (422)."`
	Addresses       int               `default:"32" help:"Most addresses that a request or a grant may want on one connection point; more are refused (422)."`
	Window          int               `default:"64" help:"Commands of one operation under way at once at one VIM; a graceful stop asks all guests at once."`
	SyncSuspect     int               `default:"50" help:"Share of a VNF's resources at a VIM connection, in percent, that may be missing before a repair (sync) is to be confirmed: a VIM that shows much less than the records say may have failed. 100: never."`
	Leftovers       string            `default:"clean-up" enum:"clean-up,refuse" help:"What deleting a VNF does about resources that a failed operation left: begin their clean-up and delete the VNF when they are gone, or refuse (409) until an operator has cleaned up (vnfm vnf cleanup)."`
	LeftoversWait   time.Duration     `default:"10s" help:"How long a request to delete a VNF waits for that clean-up: 204 when all is gone, else 409, and the same request is possible again. 0: 409 at once."`
	Undeclared      string            `default:"refuse" enum:"refuse,accept" help:"What becomes of extensions and vnfConfigurableProperties of a request that the VNFD does not declare and the standard does not name: refuse them (422), or accept them with a warning on the operation."`
}

// Vim says how VIMs are driven.
type Vim struct {
	Database      string        `help:"Database of the VIM manager and the NFVO manager: a postgres:// URL, or sqlite:NAME for a file in the data folder; empty: the main database. Choose it before the first start." placeholder:"URL" secret:""`
	CallTimeout   time.Duration `default:"20s" help:"Longest time of one call to a VIM; then its outcome is unknown."`
	BuildTimeout  time.Duration `default:"10m" help:"Longest time a resource may take to be built or changed, and for which a VIM that cannot be asked, or does not delete, keeps an operation waiting."`
	UploadStall   time.Duration `default:"5m" help:"How long nothing of an image that is uploaded to an OpenStack may move, before the upload is broken off and made anew. How long all of it takes is bounded by vim-build-timeout alone."`
	AnswerBytes   int64         `default:"67108864" help:"Longest answer of a VIM that is read, in bytes; a longer one is an error. Watches have no length."`
	Quarantine    time.Duration `default:"5s" help:"Wait before a second look for a resource whose creation had an unknown outcome."`
	PollInterval  time.Duration `default:"200ms" help:"First interval at which a resource being built is looked at; it grows by half each time, up to ten seconds."`
	Workers       int           `default:"16" help:"Calls under way at once at one VIM connection that does not say so itself (extra.workers)."`
	Rate          float64       `default:"0" help:"Calls per second that the VIM manager makes to one VIM connection on average, where that does not say so itself (extra.rate); those of a second may be made at once. Lists for sweeps and comparisons are not counted. 0: no bound."`
	Breaker       int           `default:"3" help:"Calls in a row that find a VIM away (it refuses, or does not answer) after which it is left alone, and operations wait for it, where its connection does not say so itself (extra.breakerFailures). Choose less than operation-attempts. 0: it is called on and on."`
	BreakerWait   time.Duration `default:"5s" help:"How long such a VIM is left alone before one call tries it again; doubled each time that it is still away, up to vim-breaker-most. Operations wait for it for vim-build-timeout; then they fail as the calls do."`
	BreakerMost   time.Duration `default:"1m" help:"Longest time for which a VIM is left alone before it is tried again, and longest pause that one may ask for (429 with Retry-After)."`
	SweepInterval time.Duration `default:"1m" help:"How often each VIM is searched for resources that are in no record; 0: never."`
	Page          int           `default:"1000" help:"Resources that a VIM is asked for at once when all of ours are listed; one that gives fewer gives them in more pages."`
	PodPatience   time.Duration `default:"1m" help:"How long a pod may be unable to start (its image, a crash loop, no node for it) before the container unit has failed."`
	Simulated     bool          `default:"true" negatable:"" help:"Offer the two simulated VIMs sim-1 and sim-2."`
	SimURL        string        `name:"sim-url" help:"URL of simulated VIMs in a process of their own (vnfmd sim-vim), which several nodes can share; empty: they are in this one." placeholder:"URL"`
}

// Package says how VNF packages are read.
type Package struct {
	Strict         bool          `help:"Turn findings about a package into errors."`
	Timeout        time.Duration `default:"5m" help:"Longest time to read one package; then it is rejected."`
	Signatures     string        `default:"report" enum:"off,report,require" help:"What is done with signatures of packages (${enum}): off verifies nothing; report makes a finding of what is wrong with the signer; require rejects what is not signed as a whole, or not by whom package-signature-roots vouch for. But for off a signature of something else than what is in the package is an error."`
	SignatureRoots string        `help:"Authorities (PEM) that the certificates of package signatures are checked against; empty: none is trusted." placeholder:"FILE"`
	MaxBytes       int64         `default:"4294967296" help:"Largest package file in bytes."`
	Fetches        int           `default:"2" help:"Packages fetched at once from addresses that clients name (upload_from_uri); see the settings of egress for where they may be."`
	FetchTimeout   time.Duration `default:"30m" help:"Longest time to fetch one package."`
	FetchAttempts  int           `default:"5" help:"Attempts to fetch a package whose address cannot be reached, or answers 5xx, 408 or 429."`
	Limits         vnfd.Limits   `embed:"" prefix:"max-"`
}

// Max bounds what one VNF and one operation may come to.
type Max struct {
	VnfcsPerVnf           int `default:"4000" help:"VNFCs of one VNF: a package with a level that has more, and an operation that wants more, is refused."`
	SnapshotsPerVnf       int `default:"32" help:"Snapshots of one VNF; another is refused (409)."`
	ResourcesPerOperation int `default:"20000" help:"Resources that one operation makes, changes and releases, together; one with more is refused (422)."`
	PlansAtOnce           int `default:"8" help:"Operations and dry runs that are planned at once; others wait. A plan of thousands of resources takes megabytes of memory."`
}

// Nfvo says how to reach an NFV orchestrator.
type Nfvo struct {
	URL          string        `help:"Root of the NFVO's interfaces, e.g. https://nfvo.example; grants come from it then. Empty: our own policy grants." placeholder:"URL"`
	Packages     bool          `help:"Onboard the NFVO's VNF packages, and keep them as the NFVO has them."`
	GrantTimeout time.Duration `default:"10m" help:"How long the NFVO is asked for one grant; then the operation is rolled back."`
	CallTimeout  time.Duration `default:"10s" help:"Longest time of one call to the NFVO; package contents excepted."`
	Resync       time.Duration `default:"5m" help:"How often all packages are compared with the NFVO's."`

	// MaxSnapshotRecord bounds what is read into memory, and kept with the snapshot.
	MaxSnapshotRecord int64 `default:"8388608" help:"Largest snapshot record of a VNF snapshot package of the NFVO in bytes."`

	User         string   `help:"User name for HTTP Basic authentication at the NFVO."`
	Password     string   `help:"Password for HTTP Basic authentication at the NFVO." secret:"" placeholder:"PASSWORD"`
	TokenURL     string   `help:"Token endpoint for OAuth 2.0 client credentials at the NFVO." placeholder:"URL"`
	ClientID     string   `help:"OAuth 2.0 client id at the NFVO."`
	ClientSecret string   `help:"OAuth 2.0 client secret at the NFVO." secret:"" placeholder:"SECRET"`
	Scopes       []string `help:"OAuth 2.0 scopes asked for."`
	CertFile     string   `help:"Client certificate (PEM) shown to the NFVO." placeholder:"FILE"`
	KeyFile      string   `help:"Key (PEM) of the client certificate." placeholder:"FILE"`
	CAFile       string   `help:"Authorities (PEM) that the NFVO's certificate is checked against; empty: those of the system." placeholder:"FILE"`
}

// Management says how VNFs and their element managers are called, as management connections have it. What their certificates are
// checked against, and what is shown to them, are the settings of egress.
type Management struct {
	CallTimeout time.Duration `default:"10s" help:"Longest time of one call to a VNF or an element manager."`
	MaxBody     int64         `default:"4194304" help:"Largest answer of a VNF or an element manager in bytes."`
	Timeout     time.Duration `default:"10m" help:"How long a VNF that does not answer yet, or does not take its configuration, keeps an operation waiting."`
	Workers     int           `default:"16" help:"VNFs and element managers called at once."`
}

// Coordination says how long operations are coordinated.
type Coordination struct {
	Timeout time.Duration `default:"10m" help:"How long one coordination of an operation with its VNF or element manager may take, refusals for now included; then it is called off, and the operation fails. It is part of what operation-deadline bounds."`
}

// Egress says which addresses that callers name (callbacks, their token endpoints) are called.
type Egress struct {
	AllowLocal bool          `help:"Call loopback, link-local and cloud metadata addresses too: for development. vnfmd dev sets it."`
	AllowPlain bool          `help:"Send credentials to callbacks and token endpoints without TLS too, where they can be read on the way: for development. vnfmd dev sets it."`
	Deny       []string      `help:"Networks that are never called, e.g. 10.20.0.0/16." placeholder:"CIDR"`
	Ports      []int         `help:"Ports that may be called; none named: all." placeholder:"PORT"`
	Timeout    time.Duration `default:"10s" help:"Longest time of one call."`
	CertFile   string        `help:"Client certificate (PEM) shown to subscribers that accept TLS_CERT." placeholder:"FILE"`
	KeyFile    string        `help:"Key (PEM) of the client certificate." placeholder:"FILE"`
	CAFile     string        `help:"Authorities (PEM) that subscribers' certificates are checked against; empty: those of the system." placeholder:"FILE"`
}

// Networks returns what Deny says.
func (e *Egress) Networks() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range e.Deny {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("egress-deny: %q is not a network, e.g. 10.20.0.0/16", text)
		}
		out = append(out, p)
	}
	return out, nil
}

// Notification says how subscribers are told.
type Notification struct {
	Test            bool          `default:"true" negatable:"" help:"Make a subscription only when its callback answers a GET with 204."`
	Duplicates      bool          `help:"Make a second subscription with equal callback and filter, instead of answering 303 with the one there is."`
	MaxAge          time.Duration `default:"24h" help:"How long a notification is tried; then it is given up, which is listed and logged."`
	Keep            time.Duration `default:"168h" help:"How long a notification that was given up is kept, to be tried again by an operator."`
	Backoff         time.Duration `default:"1s" help:"Wait before the second attempt; doubled for each next one."`
	MaxBackoff      time.Duration `default:"1m" help:"Longest wait before an attempt."`
	PerSubscription int           `default:"8" help:"Deliveries under way to one subscriber at once."`
}

// Idempotency says how long answers are kept.
type Idempotency struct {
	Keep time.Duration `default:"24h" help:"How long the answer to a request with an Idempotency-Key is kept."`
}

// Keep says how long what has ended is kept. Events, and what is answered about operations and VNFs, are kept for ever.
type Keep struct {
	Sagas     time.Duration `default:"720h" help:"How long the saga of an operation is kept after it ended: its steps and attempts (vnfm op saga). One with a command that was never answered stays. 0: for ever."`
	Ledger    time.Duration `default:"168h" help:"How long answered commands and released resources stay in the ledgers of the VIM manager and of the configuration. What an operation that has not ended may need stays. 0: for ever."`
	Grants    time.Duration `default:"720h" help:"How long what was asked of the NFVO for an operation is kept after it was answered (vnfm op grant). 0: for ever."`
	Denials   time.Duration `default:"168h" help:"How long the record of denied requests is kept. 0: for ever."`
	CommitIDs time.Duration `name:"commit-ids" default:"1h" help:"How long it is known which changes were written, so that one whose answer was lost is not made twice. Longer than the database may be out of reach. 0: for ever."`
}

// Lane says how lanes are held.
type Lane struct {
	Lease      time.Duration `default:"3s" help:"How long a node that gives no sign keeps its lanes; others take them over after that."`
	Committers int           `help:"Committers of this node; 0: 1 on SQLite, 2 on PostgreSQL."`
	Batch      int           `default:"64" help:"Changes of different VNFs written in one transaction at most."`
}

// Audit says when the program audits itself.
type Audit struct {
	Interval time.Duration `default:"10m" help:"How often the program looks for what must never be: orphaned sagas, lost timers, records that do not agree with the VIMs. All events are walked on request only (vnfm audit). 0: never."`
}

// Secret says how credentials are kept.
type Secret struct {
	KeyFile string `help:"File of the keys that stored credentials are encrypted with, one per line in base64 (32 bytes), the newest first; every node needs the same. Empty: secret.key in the data folder, made on the first start." placeholder:"FILE"`
	Lost    string `default:"refuse" enum:"refuse,accept" help:"What a start does when there are stored credentials that no key of the file opens (${enum}): refuse, or accept that they have to be entered again."`
}

// Validate checks the settings together and reports every problem at once.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		bad("listen: %q is not an address with a port, e.g. 127.0.0.1:8080", c.Listen)
	} else if !c.Authenticated() && !access.LoopbackHost(host) {
		bad("listen: %s is not loopback; set api-token-file, auth-issuer or auth-certificates, or listen on 127.0.0.1", c.Listen)
	}
	c.validateAccess(bad)
	c.validateBus(bad)
	if c.Database != "" {
		u, err := url.Parse(c.Database)
		if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
			bad("database: want a URL that begins with postgres://")
		}
	}
	if d := c.Vim.Database; d != "" {
		name, lite := strings.CutPrefix(d, "sqlite:")
		u, err := url.Parse(d)
		switch {
		case lite && (name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".")):
			bad("vim-database: want sqlite:NAME, the name of a file in the data folder")
		case lite && name == "vnfm.db", d == c.Database:
			bad("vim-database: that is the main database; leave it empty to share that")
		case !lite && (err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql")):
			bad("vim-database: want a URL that begins with postgres://, or sqlite:NAME")
		}
	}
	if _, err := c.Egress.Networks(); err != nil {
		bad("%v", err)
	}
	if (c.Egress.CertFile == "") != (c.Egress.KeyFile == "") {
		bad("egress-cert-file and egress-key-file: set both, or none")
	}
	for _, problem := range c.roleProblems() {
		bad("%s", problem)
	}
	c.Reconcile.problems(bad)
	for _, problem := range c.Nfvo.problems() {
		bad("%s", problem)
	}
	for name, v := range map[string]string{"base-url": c.BaseURL, "trace-endpoint": c.Trace.Endpoint, "nfvo-url": c.Nfvo.URL, "nfvo-token-url": c.Nfvo.TokenURL, "vim-sim-url": c.Vim.SimURL} {
		if u, err := url.Parse(v); v != "" && (err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http")) {
			bad("%s: %q is not an http or https URL", name, v)
		} else if err == nil && u.User != nil {
			bad("%s: the URL must not have a user name or password in it: it is shown and logged", name)
		}
	}
	if math.IsNaN(c.Trace.Ratio) || c.Trace.Ratio < 0 || c.Trace.Ratio > 1 {
		bad("trace-ratio: %v is not between 0 and 1", c.Trace.Ratio)
	}
	for _, d := range []struct {
		name string
		v    time.Duration
	}{
		{"operation-deadline", c.Operation.Deadline}, {"operation-step-timeout", c.Operation.StepTimeout},
		{"operation-backoff", c.Operation.Backoff}, {"operation-graceful-timeout", c.Operation.GracefulTimeout},
		{"operation-graceful-limit", c.Operation.GracefulLimit}, {"vim-call-timeout", c.Vim.CallTimeout},
		{"vim-build-timeout", c.Vim.BuildTimeout}, {"vim-upload-stall", c.Vim.UploadStall}, {"vim-breaker-wait", c.Vim.BreakerWait}, {"vim-breaker-most", c.Vim.BreakerMost}, {"vim-poll-interval", c.Vim.PollInterval},
		{"http-body-timeout", c.HTTP.BodyTimeout}, {"package-timeout", c.Package.Timeout}, {"package-fetch-timeout", c.Package.FetchTimeout},
		{"egress-timeout", c.Egress.Timeout}, {"notification-max-age", c.Notification.MaxAge}, {"notification-keep", c.Notification.Keep},
		{"notification-backoff", c.Notification.Backoff}, {"notification-max-backoff", c.Notification.MaxBackoff},
		{"idempotency-keep", c.Idempotency.Keep}, {"nfvo-grant-timeout", c.Nfvo.GrantTimeout},
		{"nfvo-call-timeout", c.Nfvo.CallTimeout}, {"nfvo-resync", c.Nfvo.Resync}, {"lane-lease", c.Lane.Lease}, {"http-stop-timeout", c.HTTP.StopTimeout},
	} {
		if d.v <= 0 {
			bad("%s: %v is not a positive duration", d.name, d.v)
		}
	}
	if r := c.Vim.Rate; math.IsNaN(r) || r < 0 || r > vim.MaxRate {
		bad("vim-rate: %v is not between 0 and %d", r, vim.MaxRate)
	}
	if n := c.Vim.Breaker; n < 0 || n > vim.MaxBreakerFailures {
		bad("vim-breaker: %d is not between 0 and %d", n, vim.MaxBreakerFailures)
	}
	if n := c.Vim.Workers; n > vim.MaxWorkers {
		bad("vim-workers: %d is more than %d", n, vim.MaxWorkers)
	}
	for _, n := range []struct {
		name string
		v    int64
	}{
		{"operation-attempts", int64(c.Operation.Attempts)}, {"operation-addresses", int64(c.Operation.Addresses)}, {"operation-window", int64(c.Operation.Window)}, {"operation-sync-suspect", int64(c.Operation.SyncSuspect)},
		{"max-vnfcs-per-vnf", int64(c.Max.VnfcsPerVnf)}, {"max-resources-per-operation", int64(c.Max.ResourcesPerOperation)}, {"max-plans-at-once", int64(c.Max.PlansAtOnce)},
		{"max-snapshots-per-vnf", int64(c.Max.SnapshotsPerVnf)}, {"nfvo-max-snapshot-record", c.Nfvo.MaxSnapshotRecord},
		{"vim-workers", int64(c.Vim.Workers)}, {"vim-page", int64(c.Vim.Page)}, {"vim-answer-bytes", c.Vim.AnswerBytes}, {"notification-per-subscription", int64(c.Notification.PerSubscription)},
		{"lane-batch", int64(c.Lane.Batch)}, {"http-max-body", c.HTTP.MaxBody}, {"http-max-small-body", c.HTTP.MaxSmallBody},
		{"http-json-names", int64(c.HTTP.JSONNames)}, {"http-json-values", int64(c.HTTP.JSONValues)}, {"http-json-depth", int64(c.HTTP.JSONDepth)}, {"http-json-text", int64(c.HTTP.JSONText)},
		{"http-connections", int64(c.HTTP.Connections)},
		{"package-fetches", int64(c.Package.Fetches)}, {"package-fetch-attempts", int64(c.Package.FetchAttempts)},
	} {
		if n.v < 1 {
			bad("%s: %d is less than 1", n.name, n.v)
		}
	}
	flags, err := settings(c)
	if err != nil {
		return err
	}
	for _, f := range flags { // those of vnfd.Limits, too
		if strings.HasPrefix(f.Name, "package-max-") && f.Target.Int() < 1 {
			bad("%s: %d is less than 1", f.Name, f.Target.Int())
		}
	}
	if c.Package.Signatures == "require" && c.Package.SignatureRoots == "" {
		bad("package-signature-roots: package-signatures is require, so set the authorities, too")
	}
	if c.Operation.Batch < 0 {
		bad("operation-batch: %d is negative", c.Operation.Batch)
	}
	for op, p := range c.Operation.OnFailure {
		if p != "rollback" && p != "hold" {
			bad("operation-on-failure: %s=%s: want rollback or hold", op, p)
		}
		if p == "rollback" && op == "TERMINATE" {
			bad("operation-on-failure: TERMINATE is never rolled back")
		}
	}
	for _, d := range []struct {
		name string
		v    time.Duration
	}{
		{"keep-sagas", c.Keep.Sagas}, {"keep-ledger", c.Keep.Ledger}, {"keep-grants", c.Keep.Grants}, {"keep-denials", c.Keep.Denials},
		{"keep-commit-ids", c.Keep.CommitIDs},
	} {
		if d.v < 0 {
			bad("%s: %v is negative; 0 keeps for ever", d.name, d.v)
		}
	}
	if k := c.Keep.CommitIDs; k > 0 && k < time.Minute {
		bad("keep-commit-ids: %v is less than a minute: a change whose answer was lost could be made twice", k)
	}
	return errors.Join(errs...)
}

// problems says what does not fit together.
func (n *Nfvo) problems() (out []string) {
	if n.Packages && n.URL == "" {
		out = append(out, "nfvo-packages: set nfvo-url, too")
	}
	if (n.User == "") != (n.Password == "") {
		out = append(out, "nfvo-user: user name and password go together")
	}
	if (n.TokenURL == "") != (n.ClientID == "") {
		out = append(out, "nfvo-token-url: the token endpoint and the client id go together")
	}
	if (n.CertFile == "") != (n.KeyFile == "") {
		out = append(out, "nfvo-cert-file: certificate and key go together")
	}
	return out
}
