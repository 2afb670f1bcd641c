package api_test

import (
	"net/http"

	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vim/sim"
)

// routeText is what the document says of one method of a route beside what the table of routes has.
type routeText struct {
	about string // the heading under which it stands
	does  string
	body  any   // what it takes; nil: nothing
	gives any   // what it answers with; nil: nothing
	loose bool  // nothing of what it takes is mandatory
	with  int   // the status of that; 0: 200, or 204 where it answers with nothing
	or    []int // other statuses of success, without a body
	// also are the errors beside those that every such method may answer with.
	also []int
	tag  bool // the answer has an ETag, and a change takes If-Match
	at   bool // the answer has a Location
}

// The headings, in the order in which they stand.
var headings = []string{"VNFs", "Operations", "Sagas", "The past", "Packages", "VIM connections", "Management connections", "Notifications", "The site", "Callers", "The simulated VIM", "The interface"}

// tells is what the document says of each route below /vnfm/v1.
var tells = map[string]routeText{
	"GET /vnf_instances":                      {about: "VNFs", does: "Lists VNF instances in few words, with what is under way and what is wrong.", gives: []sol.VnfSummary{}},
	"GET /vnf_instances/{id}/leftovers":       {about: "VNFs", does: "Lists what failed operations of a VNF left at VIMs.", gives: []sol.Leftover{}},
	"POST /vnf_instances/{id}/cleanup":        {about: "VNFs", does: "Begins to release what failed operations of a VNF left at VIMs. The saga that does is at Location.", gives: sol.Cleanup{}, with: http.StatusAccepted, at: true},
	"POST /vnf_instances/{id}/plan":           {about: "VNFs", does: "Says what an operation would do, and begins nothing. What the operation would refuse is refused.", body: sol.PlanRequest{}, gives: sol.Plan{}},
	"GET /vnf_instances/{id}/drift":           {about: "VNFs", does: "Looks at the VIMs, and says in what a VNF differs from its records.", gives: sol.Drift{}, also: []int{http.StatusConflict, http.StatusUnprocessableEntity}},
	"POST /vnf_instances/{id}/sync":           {about: "VNFs", does: "Says in what a VNF differs from its records, or begins the operation that repairs it: 202, with the operation occurrence at Location.", body: sol.SyncRequest{}, gives: sol.Drift{}, or: []int{http.StatusAccepted}},
	"GET /vnf_instances/{id}/descriptor":      {about: "VNFs", does: "Shows the descriptor that a VNF is made by.", gives: sol.VnfdView{}, also: []int{http.StatusConflict}},
	"GET /vnf_lcm_op_occs":                    {about: "Operations", does: "Lists operations in few words, with who started them and how far they got.", gives: []sol.OpOrigin{}},
	"GET /vnf_lcm_op_occs/{id}/progress":      {about: "Operations", does: "Says how far an operation got, by planned resource.", gives: sol.OpProgress{}, tag: true},
	"GET /vnf_lcm_op_occs/{id}/grant":         {about: "Operations", does: "Shows what was asked for an operation, and how it was answered, whoever decided.", gives: sol.OpGrant{}},
	"POST /vnf_lcm_op_occs/{id}/resolve":      {about: "Operations", does: "Decides about an item of an operation that is stuck. The operation occurrence is at Location.", body: sol.ResolveRequest{}, with: http.StatusAccepted},
	"GET /sagas":                              {about: "Sagas", does: "Lists sagas in the order of their ids, without their stages and attempts.", gives: []sol.Saga{}},
	"GET /sagas/{id}":                         {about: "Sagas", does: "Shows the process behind an operation: its items, each command that was sent, and its cleanups.", gives: sol.Saga{}},
	"GET /vnf_instances/{id}":                 {about: "The past", does: "Shows a VNF instance as it was at a point, also one that is deleted.", gives: sol.PastVnfInstance{}},
	"GET /vnf_instances/{id}/diff":            {about: "The past", does: "Says what changed between two states of a VNF instance.", gives: sol.Difference{}},
	"GET /vnf_instances/{id}/events":          {about: "The past", does: "Lists the events of a VNF instance and its operations, or follows them.", gives: []sol.VnfEvent{}},
	"GET /vnf_lcm_op_occs/{id}":               {about: "The past", does: "Shows an operation occurrence as it was at a point.", gives: sol.PastVnfLcmOpOcc{}},
	"GET /vnf_lcm_op_occs/{id}/diff":          {about: "The past", does: "Says what changed between two states of an operation occurrence.", gives: sol.Difference{}},
	"GET /vnf_lcm_op_occs/{id}/events":        {about: "The past", does: "Lists the events of an operation occurrence, or follows them.", gives: []sol.VnfEvent{}},
	"GET /vnf_packages/{id}":                  {about: "The past", does: "Shows a VNF package as it was at a point, also one that is deleted.", gives: sol.PastVnfPkgInfo{}},
	"GET /vnf_packages/{id}/diff":             {about: "The past", does: "Says what changed between two states of a VNF package.", gives: sol.Difference{}},
	"GET /vnf_packages/{id}/events":           {about: "The past", does: "Lists the events of a VNF package, or follows them.", gives: []sol.VnfEvent{}},
	"GET /events":                             {about: "The past", does: "Lists all events, or those of one VNF, by time, or follows them.", gives: []sol.VnfEvent{}},
	"GET /vnf_packages/{id}/descriptor":       {about: "Packages", does: "Shows the descriptor of an onboarded package: flavours, levels, aspects, VDUs, images, connection points and parameters.", gives: sol.VnfdView{}, also: []int{http.StatusConflict}},
	"POST /vims":                              {about: "VIM connections", does: "Registers a VIM connection.", body: sol.VimRequest{}, gives: sol.Vim{}, with: http.StatusCreated, tag: true, at: true},
	"GET /vims":                               {about: "VIM connections", does: "Lists the VIM connections. Credentials are masked.", gives: []sol.Vim{}},
	"GET /vims/{id}":                          {about: "VIM connections", does: "Shows a VIM connection. Credentials are masked.", gives: sol.Vim{}, tag: true},
	"PATCH /vims/{id}":                        {about: "VIM connections", does: "Changes a VIM connection.", body: sol.VimRequest{}, gives: sol.Vim{}, tag: true},
	"DELETE /vims/{id}":                       {about: "VIM connections", does: "Deletes a VIM connection that nothing needs.", tag: true},
	"POST /vims/{id}/check":                   {about: "VIM connections", does: "Asks a VIM what it offers and what the connection allows. It answers 200 whatever the VIM says.", gives: sol.VimCheck{}},
	"POST /management_connections":            {about: "Management connections", does: "Registers how the APIs of VNFs, or of their element manager, are reached.", body: sol.ManagementConnectionRequest{}, gives: sol.ManagementConnection{}, with: http.StatusCreated, tag: true, at: true},
	"GET /management_connections":             {about: "Management connections", does: "Lists the management connections. Credentials are masked.", gives: []sol.ManagementConnection{}},
	"GET /management_connections/{id}":        {about: "Management connections", does: "Shows a management connection. Credentials are masked.", gives: sol.ManagementConnection{}, tag: true},
	"PATCH /management_connections/{id}":      {about: "Management connections", does: "Changes a management connection.", body: sol.ManagementConnectionRequest{}, gives: sol.ManagementConnection{}, tag: true},
	"DELETE /management_connections/{id}":     {about: "Management connections", does: "Deletes a management connection.", tag: true},
	"POST /management_connections/{id}/check": {about: "Management connections", does: "Asks an endpoint whether it serves its interfaces. It answers 200 whatever the endpoint says.", gives: sol.ManagementCheck{}},
	"GET /notifications":                      {about: "Notifications", does: "Lists the notifications to subscribers, with how their delivery went.", gives: []sol.Notification{}},
	"POST /notifications/{id}/retry":          {about: "Notifications", does: "Delivers a notification that was given up.", gives: sol.Notification{}, with: http.StatusAccepted},
	"GET /notifications/vnf_packages":         {about: "Notifications", does: "Answers the test of the callback at which the NFVO tells of its packages."},
	"POST /notifications/vnf_packages":        {about: "Notifications", does: "Takes a notification of the NFVO about a package, which is looked up there.", body: map[string]any{}},
	"GET /audit":                              {about: "The site", does: "Looks at the running system for what must never be. It answers 200 whatever it finds.", gives: sol.LiveAudit{}},
	"GET /audit/denials":                      {about: "The site", does: "Lists what callers were denied in the last days, the oldest first.", gives: []sol.Denial{}},
	"GET /audit/verify":                       {about: "The site", does: "Verifies the hash chains and positions of all events. It answers 200 whatever it finds.", gives: sol.Audit{}},
	"POST /audit/verify":                      {about: "The site", does: "Is GET for those who must not have an answer out of a cache.", gives: sol.Audit{}},
	"GET /parked_messages":                    {about: "The site", does: "Lists the messages that were set aside because they could not be handled.", gives: []sol.ParkedMessage{}},
	"GET /parked_messages/{id}":               {about: "The site", does: "Shows a message that was set aside, with what it says.", gives: sol.ParkedMessage{}},
	"POST /parked_messages/{id}/redrive":      {about: "The site", does: "Handles a message that was set aside again, with those of its VNF behind it.", gives: sol.Redriven{}},
	"POST /parked_messages/{id}/skip":         {about: "The site", does: "Gives a message up for a reason, and handles those of its VNF behind it.", body: sol.SkipRequest{}, gives: sol.Redriven{}},
	"GET /system":                             {about: "The site", does: "Shows what the node is, and its settings in force, without secrets.", gives: sol.System{}},
	"GET /log_level":                          {about: "The site", does: "Says from which level on the node logs that answers, and who has set it so. Each process has a log of its own.", gives: sol.LogLevel{}},
	"PUT /log_level":                          {about: "The site", does: "Changes from which level on the node logs that answers, until its settings are read again, or for a time. It is logged who did it.", body: sol.LogLevelRequest{}, gives: sol.LogLevel{}, also: []int{http.StatusBadRequest}},
	"GET /cluster":                            {about: "The site", does: "Shows the nodes of a site, what each does, and what waits.", gives: sol.Cluster{}},
	"GET /caller":                             {about: "Callers", does: "Says who calls, and what they may.", gives: sol.Caller{}},
	"GET /sign_in":                            {about: "Callers", does: "Says how callers sign in.", gives: sol.SignIn{}},
	"GET /sim/inventory":                      {about: "The simulated VIM", does: "Lists what stands at the simulated VIMs.", gives: []sim.Entry{}},
	"POST /sim/tamper":                        {about: "The simulated VIM", does: "Changes something at a simulated VIM behind the VNFM's back.", body: sol.SimTamper{}},
	"GET /sim/behaviour":                      {about: "The simulated VIM", does: "Shows how the simulated VIMs behave.", gives: sim.Behaviour{}},
	"PUT /sim/behaviour":                      {about: "The simulated VIM", does: "Says how the simulated VIMs behave from now on.", body: sim.Behaviour{}, loose: true, gives: sim.Behaviour{}},
	"GET /openapi.json":                       {about: "The interface", does: "Is this document.", gives: map[string]any{}},
	"GET /api_versions":                       {about: "The interface", does: "Lists the versions of this interface.", gives: sol.ApiVersionInformation{}},
}

// parameters says what the query parameters are.
var parameters = map[string]string{
	"nextpage_opaque_marker": "Where the next page begins: take the whole link of the header Link (SOL013 §5.4.2).",
	"filter":                 "Which entries are wanted, by their attributes (SOL013 §5.2): `(eq,instantiationState,INSTANTIATED)`.",
	"sort":                   "The attribute by which the list is sorted; with a `-` before it the greatest comes first.",
	"fields":                 "Attributes that are wanted beside the mandatory ones (SOL013 §5.3).",
	"exclude_fields":         "Attributes that are not wanted (SOL013 §5.3).",
	"all_fields":             "All attributes are wanted (SOL013 §5.3). It has no value.",
	"exclude_default":        "Attributes that are left out by default are not wanted (SOL013 §5.3). It has no value.",
	"vnf":                    "The id of a VNF instance.",
	"state":                  "Only those in this state.",
	"chain":                  "`false`: the hash chains of the events are not walked.",
	"consumer":               "Only the messages of this consumer.",
	"subscription":           "Only those of the subscription with this id.",
	"at":                     "The point of the past: a version (`12`), a time (`2026-01-02T03:04:05Z`), or how long ago it was (`-10m`).",
	"from":                   "The point from which on: a version (`12`), a time (`2026-01-02T03:04:05Z`), or how long ago it was (`-10m`).",
	"to":                     "The point up to which: a version (`12`), a time (`2026-01-02T03:04:05Z`), or how long ago it was (`-10m`).",
	"type":                   "The type of events that are wanted, or the beginning of types before a `*`; it may be given more than once.",
}
