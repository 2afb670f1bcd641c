// Package api is the HTTP edge: SOL003 v3.7.1 at /vnflcm/v2 and v2.6.1 at /vnflcm/v1, packages at /vnfpkgm/v2 and
// /vnfpkgm/v1 with what SOL005 has to fill them, our own resources at /vnfm/v1, and health and metrics.
//
// This package puts the rooms below it together; each has a subject:
//
//	rest      the machinery: routing, admission, versions, idempotency, lists, ProblemDetails
//	decode    bodies: what form they must have, and into which types they go
//	v1        the differences of the older version
//	vnflcm    VNF instances, operation occurrences and subscriptions
//	vnfpkgm   VNF packages
//	past      what was, and the events that made it so; event streams
//	own       all other resources of ours
//	openapi   the OpenAPI document of what is ours
//
// The edge promises that a request with an Idempotency-Key has one effect and that every repetition gets the same answer:
// the answer is built from the result of the use case and written in the commit of the effect (request.Info.Answer); what
// has no effect is not stored. It holds no business rule and writes nothing itself: it calls use cases and reads views. The
// text of internal errors never leaves; it is logged once, here.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/own"
	"github.com/vnfm/vnfm/api/past"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/api/vnfpkgm"
	"github.com/vnfm/vnfm/audit"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/reconcile"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/tail"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager/gate"
	"github.com/vnfm/vnfm/vnfd"
)

// Check is one condition of being ready.
type Check = own.Check

// SignIn is how callers may say who they are.
type SignIn = own.SignIn

// System is what this node is, and Setting one of its settings.
type (
	System  = own.System
	Setting = own.Setting
)

// ClusterDatabase is what nodes share in one database, and ClusterConsumer one consumer there.
type (
	ClusterDatabase = own.ClusterDatabase
	ClusterConsumer = own.ClusterConsumer
	LogLevel        = own.LogLevel
	LogState        = own.LogState
)

// Config is what the edge needs from the composition root.
type Config struct {
	LCM      lcm.API
	Packages vnfpkgm.Packages
	Views    eventstore.Reader
	Vims     own.Vims // nil: there is no registry, its resources are 404
	// Seen tells what came of the last comparisons with the records, by VIM connection; nil: nobody compares.
	Seen func(ctx context.Context) (map[string]reconcile.Status, error)
	// Held tells how calls to VIMs are held back, by VIM connection, and the store's time; nil: nobody holds any. VimLimits are those of connections
	// that do not say others.
	Held      func(ctx context.Context) (map[string]gate.Status, time.Time, error)
	VimLimits vim.Limits
	// Management is the registry of management connections; nil: its resources are 404.
	Management own.Management
	// ManagementClient asks whom management connections lead to; nil: checks are 404.
	ManagementClient own.ManagementClient
	// Grant returns what was asked for an operation; NotFound when nothing was. nil: the resource is 404.
	Grant func(ctx context.Context, opID string) (*nfvomanager.Asked, error)
	// PackageChanged is told that the NFVO has news of the package with a vnfdId; nil: the NFVO is not listened to.
	PackageChanged func(ctx context.Context, vnfdID string) error
	// Subscriptions are the use cases of subscriptions and notifications; nil: their resources are 404.
	Subscriptions *notify.Service
	Sim           *sim.Sim // nil: there is no simulated VIM, its resources are 404
	// Ready reports the conditions of being ready; all must be ok.
	Ready        func(ctx context.Context) []Check
	Metrics      http.Handler // nil: /metrics is 404
	Authenticate access.Authenticator
	Limits       *access.Limits  // per caller; nil: none
	Denials      *access.Denials // nil: denials are logged only, and their resource is 404
	// Front refuses requests for the way they came; nil: none is.
	Front *access.Front
	// Requests are the places of requests served at once, health and metrics excepted; Followers those of event streams;
	// LargeBodies those of bodies over 256 KiB in memory. nil: no bound.
	Requests, Followers, LargeBodies *access.Places
	// BodyTimeout bounds the time to read a body, ReadTimeout that of a package content; 0: as the server bounds it.
	BodyTimeout, ReadTimeout time.Duration
	// MinRate is the least rate in bytes per second at which a body has to come, and an answer to be taken, after the first
	// ten seconds; 0: any.
	MinRate int64
	// Traceparent returns the W3C traceparent of the request's span; nil: the client's own is passed on.
	Traceparent func(ctx context.Context) string
	Log         *slog.Logger
	// AccessLog says whether each request is logged; nil: none is.
	AccessLog func() bool
	// BaseURL is the root of absolute links, without a slash at its end; empty: taken from each request (Host,
	// X-Forwarded-Host, -Proto and -Prefix).
	BaseURL string
	// PageSize is the number of entries per page of a list; 0: one page holds all.
	PageSize int
	// MaxBody bounds request bodies in bytes, package contents excepted; 0: 8 MiB.
	MaxBody int64
	// MaxSmallBody is the same of requests that say little; 0: 64 KiB.
	MaxSmallBody int64
	// Form bounds what a body may hold; 0: 50,000 names, 200,000 values, 64 levels, 256 KiB in one text.
	Form decode.Limits
	// MaxPackage bounds package contents in bytes; 0: 4 GiB.
	MaxPackage int64
	// Tail tells who follows events of new ones; nil: server-sent events are not to be had.
	Tail *tail.Watcher
	// Heartbeat is how often a tail in which nothing happens shows that it is alive; 0: 15 s.
	Heartbeat time.Duration
	// DeleteWait is how long a request to delete a VNF waits for the release of what a failed operation left; 0: not at all.
	DeleteWait time.Duration
	// Consumers are the consumers whose parked messages are listed.
	Consumers []string
	// Audit looks at the running system for what must never be; with chain it walks all events, too. nil: the resource
	// is 404.
	Audit func(ctx context.Context, chain bool) (*audit.Report, error)
	// Cluster tells of the nodes and what they share, by database; nil: the resource is 404.
	Cluster func(ctx context.Context) ([]ClusterDatabase, error)
	// KeepSagas and KeepGrants are how long the saga and the grant of an operation are kept after they ended; 0: for ever.
	KeepSagas, KeepGrants time.Duration
	// Parked decides about parked messages. nil: nobody can.
	Parked own.ParkedMessages
	// Descriptor returns the descriptor of a digest; nil: descriptors are 404.
	Descriptor func(ctx context.Context, digest string) (*vnfd.Descriptor, error)
	// Console serves browsers at / and all of /ui; nil: there is none.
	Console http.Handler
	SignIn  SignIn
	// System tells how this node is; nil: the resource is 404.
	System func(ctx context.Context) (*System, error)
	// LogLevel is from which level on this process logs; nil: the resource is 404.
	LogLevel LogLevel
}

// New returns the handler of the whole API. It panics when a part that every route needs is missing.
func New(c Config) http.Handler {
	if c.LCM == nil || c.Packages == nil || c.Views == nil || c.Authenticate == nil || c.Log == nil {
		panic("api: Config lacks a part")
	}
	return rest.New(c.rest(), areas(&c)...)
}

// Health returns the handler of a process that serves no API: health, readiness and metrics.
func Health(c Config) http.Handler {
	ours := &own.API{Ready: c.Ready}
	return rest.New(c.rest(), rest.Area{Read: access.Open, Change: access.Open, Routes: ours.HealthRoutes()})
}

func (c *Config) rest() rest.Config {
	return rest.Config{
		Views: c.Views, Metrics: c.Metrics, Console: c.Console, Authenticate: c.Authenticate, Limits: c.Limits, Denials: c.Denials,
		Front: c.Front, Requests: c.Requests, Followers: c.Followers, LargeBodies: c.LargeBodies, BodyTimeout: c.BodyTimeout, ReadTimeout: c.ReadTimeout,
		MinRate: c.MinRate, MaxSmallBody: c.MaxSmallBody, Form: c.Form, Traceparent: c.Traceparent, Log: c.Log, AccessLog: c.AccessLog, BaseURL: c.BaseURL, PageSize: c.PageSize, MaxBody: c.MaxBody,
		MaxPackage: c.MaxPackage,
	}
}

// areas returns every route: those of the standard's interfaces, then our own.
func areas(c *Config) []rest.Area {
	lcms := &vnflcm.API{LCM: c.LCM, Packages: c.Packages, Subscriptions: c.Subscriptions, DeleteWait: c.DeleteWait}
	packages := &vnfpkgm.API{Packages: c.Packages}
	pasts := &past.API{Views: c.Views, Tail: c.Tail, Heartbeat: c.Heartbeat}
	ours := &own.API{
		LCM: c.LCM, Vims: c.Vims, Seen: c.Seen, Held: c.Held, VimLimits: c.VimLimits, Management: c.Management, ManagementClient: c.ManagementClient, Grant: c.Grant, PackageChanged: c.PackageChanged, Subscriptions: c.Subscriptions, Sim: c.Sim, Ready: c.Ready,
		Denials: c.Denials, Consumers: c.Consumers, Audit: c.Audit, Parked: c.Parked, Cluster: c.Cluster, KeepSagas: c.KeepSagas, KeepGrants: c.KeepGrants,
		Packages: c.Packages, Descriptor: c.Descriptor, SignIn: c.SignIn, System: c.System, Log: c.LogLevel,
	}
	return []rest.Area{
		{Read: access.Open, Change: access.Open, Routes: rest.VersionRoutes()},
		{Read: access.ReadLcm, Change: access.WriteLcm, Routes: lcms.VnfRoutes()},
		{Read: access.ReadLcm, Change: access.WriteLcm, Routes: lcms.OpOccRoutes()},
		{Read: access.ReadLcm, Change: access.WriteLcm, Routes: lcms.SnapshotRoutes()},
		{Read: access.ReadLcm, Change: access.WriteLcm, Routes: lcms.SubscriptionRoutes()},
		{Read: access.ReadOwn, Change: access.Operate, Routes: ours.NotificationRoutes()},
		{Read: access.ReadLcm, Change: access.WriteLcm, Routes: lcms.V1Routes()},
		{Read: access.ReadPackages, Change: access.WritePackages, Routes: packages.Routes()},
		{Read: access.ReadPackages, Change: access.WritePackages, Routes: packages.V1Routes()},
		{Read: access.ReadLcm, Change: access.ReadLcm, Routes: ours.CallerRoutes()},
		{Read: access.ReadPackages, Change: access.WritePackages, Routes: ours.DescriptorRoutes()},
		{Read: access.ReadOwn, Change: access.Operate, Routes: ours.VnfRoutes()},
		{Read: access.ReadOwn, Change: access.ReadOwn, Routes: pasts.Routes()},
		{Read: access.ReadOwn, Change: access.ReadOwn, Routes: ours.ClusterRoutes()},
		{Read: access.ReadOwn, Change: access.Administer, Routes: ours.VimRoutes()},
		{Read: access.ReadOwn, Change: access.Administer, Routes: ours.ManagementRoutes()},
		{Read: access.Administer, Change: access.Administer, Routes: ours.SiteRoutes()},
		{Read: access.Administer, Change: access.Administer, Routes: ours.SimRoutes()},
		{Read: access.Open, Change: access.Open, Routes: ours.HealthRoutes()},
		{Read: access.Open, Change: access.Open, Routes: ours.CallbackRoutes()},
		{Read: access.Open, Change: access.Open, Routes: ours.DocumentRoutes()},
	}
}
