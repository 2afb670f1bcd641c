package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

type subscriptionCmd struct {
	Create subscriptionCreate `cmd:"" help:"Subscribe a callback to notifications about life-cycle changes."`
	List   subscriptionList   `cmd:"" help:"List your subscriptions."`
	Show   subscriptionShow   `cmd:"" help:"Show a subscription."`
	Delete subscriptionDelete `cmd:"" help:"Delete a subscription, with what it has not been told."`
}

type subscriptionCreate struct {
	Callback     string   `arg:"" help:"URI that notifications are sent to; it must answer a GET with 204."`
	Vnf          []string `help:"Only about these VNF instances, repeatable." placeholder:"VNF" predictor:"vnf"`
	Vnfd         []string `help:"Only about VNFs of these vnfdIds, repeatable." placeholder:"VNFD" predictor:"package"`
	Type         []string `help:"Only these types: VnfLcmOperationOccurrenceNotification, VnfIdentifierCreationNotification, VnfIdentifierDeletionNotification." placeholder:"TYPE"`
	Operation    []string `help:"Only about these operations, e.g. INSTANTIATE." placeholder:"OPERATION"`
	State        []string `help:"Only about these operation states, e.g. COMPLETED." placeholder:"STATE"`
	Short        bool     `help:"Leave out what an operation changed."`
	User         string   `help:"User name for HTTP Basic authentication at the callback." placeholder:"NAME"`
	Password     string   `help:"Its password, or with @ the file that holds it." placeholder:"PASSWORD" secret:""`
	TokenURL     string   `name:"callback-token-url" help:"Token endpoint for OAuth 2.0 client credentials at the callback." placeholder:"URL"`
	ClientID     string   `name:"callback-client-id" help:"Client id there." placeholder:"ID"`
	ClientSecret string   `name:"callback-client-secret" help:"Client secret there, or with @ the file that holds it." placeholder:"SECRET" secret:""`
	TLS          bool     `name:"tls-cert" help:"The callback also accepts the server's client certificate."`
}

func (c *subscriptionCreate) Run(s *session) error {
	r := sol.LccnSubscriptionRequest{CallbackUri: c.Callback}
	if c.Short {
		r.Verbosity = "SHORT"
	}
	filter, instances := sol.LifecycleChangeNotificationsFilter{}, sol.VnfInstanceSubscriptionFilter{VnfdIds: c.Vnfd}
	for _, word := range c.Vnf {
		id, err := s.vnfID(word)
		if err != nil {
			return err
		}
		instances.VnfInstanceIds = append(instances.VnfInstanceIds, id)
	}
	if len(c.Vnf)+len(c.Vnfd) > 0 {
		filter.VnfInstanceSubscriptionFilter = &instances
	}
	if len(c.Type) == 0 && len(c.Operation)+len(c.State) > 0 { // others have none
		c.Type = []string{"VnfLcmOperationOccurrenceNotification"}
	}
	for _, t := range c.Type {
		filter.NotificationTypes = append(filter.NotificationTypes, sol.NotificationType(t))
	}
	for _, o := range c.Operation {
		filter.OperationTypes = append(filter.OperationTypes, sol.LcmOperationType(o))
	}
	for _, o := range c.State {
		filter.OperationStates = append(filter.OperationStates, sol.LcmOperationStateType(o))
	}
	if len(c.Vnf)+len(c.Vnfd)+len(c.Type)+len(c.Operation)+len(c.State) > 0 {
		r.Filter = &filter
	}
	var err error
	if r.Authentication, err = c.authentication(); err != nil {
		return err
	}
	v, err := s.Subscribe(s.ctx, r)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(v, func(w io.Writer) { printSubscription(w, v) })
}

// authentication is nil when no flag is about it.
func (c *subscriptionCreate) authentication() (*sol.SubscriptionAuthentication, error) {
	a := &sol.SubscriptionAuthentication{}
	if c.User != "" {
		password, err := fromFile(c.Password)
		if err != nil {
			return nil, err
		}
		a.AuthType = append(a.AuthType, "BASIC")
		a.ParamsBasic = &sol.ParamsBasic{UserName: c.User, Password: password}
	}
	if c.TokenURL != "" {
		secret, err := fromFile(c.ClientSecret)
		if err != nil {
			return nil, err
		}
		a.AuthType = append(a.AuthType, "OAUTH2_CLIENT_CREDENTIALS")
		a.ParamsOauth2ClientCredentials = &sol.ParamsOauth2ClientCredentials{ClientId: c.ClientID, ClientPassword: secret, TokenEndpoint: c.TokenURL}
	}
	if c.TLS {
		a.AuthType = append(a.AuthType, "TLS_CERT")
	}
	if len(a.AuthType) == 0 {
		return nil, nil //nolint:nilnil // none
	}
	return a, nil
}

// fromFile returns a flag's value, of a file where it begins with @.
func fromFile(value string) (text string, err error) {
	raw, err := secretValue(value)
	if err != nil {
		return "", err
	}
	err = json.Unmarshal(raw, &text)
	return text, err
}

// filterOf is the filter of a subscription, "" for none.
func filterOf(v *sol.LccnSubscription) string {
	if v.Filter == nil {
		return ""
	}
	return string(encoded(v.Filter))
}

func printSubscription(w io.Writer, v *sol.LccnSubscription) {
	screen.Of(w).Fields("id", v.Id, "callback", v.CallbackUri, "verbosity", string(v.Verbosity), "filter", cmp.Or(filterOf(v), "none"))
}

type subscriptionList struct{ listing }

var subscriptionColumns = []screen.Column[sol.LccnSubscription]{
	{Head: "ID", Of: func(v *sol.LccnSubscription) any { return v.Id }},
	{Head: "CALLBACK", Of: func(v *sol.LccnSubscription) any { return v.CallbackUri }},
	{Head: "VERBOSITY", Of: func(v *sol.LccnSubscription) any { return string(v.Verbosity) }, Drop: 1},
	{Head: "FILTER", Of: func(v *sol.LccnSubscription) any { return filterOf(v) }, Drop: 2},
}

func (c *subscriptionList) Run(s *session) error {
	return list(s, &c.listing, subscriptionColumns, func() ([]sol.LccnSubscription, error) { return s.Subscriptions(s.ctx) })
}

type subscriptionShow struct {
	ID string `arg:"" help:"Id of the subscription, or its callback." predictor:"subscription"`
}

func (c *subscriptionShow) Run(s *session) error {
	id, err := s.subscriptionID(c.ID)
	if err != nil {
		return err
	}
	v, err := s.Subscription(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(v, func(w io.Writer) { printSubscription(w, v) })
}

type subscriptionDelete struct {
	ID []string `arg:"" help:"Ids of subscriptions, their beginnings, or their callbacks." predictor:"subscription"`
	sure
}

func (c *subscriptionDelete) Run(s *session) error {
	if err := s.confirmAll(c.sure, false, "Delete", "subscription", c.ID); err != nil {
		return err
	}
	return each(s, c.ID, itself, func(word string) error {
		id, err := s.subscriptionID(word)
		if err != nil {
			return err
		}
		return s.deleted(id, s.Unsubscribe(s.ctx, id))
	})
}

// subscriptionID finds the subscription that a word means.
func (s *session) subscriptionID(word string) (string, error) {
	if isID(word) {
		return word, nil
	}
	all, err := s.Subscriptions(s.ctx)
	if err != nil {
		return "", err //nolint:wrapcheck // of the client
	}
	var out []named
	for _, v := range all {
		out = append(out, named{v.Id, []string{v.CallbackUri}})
	}
	return pick("subscription", word, out)
}

type notificationCmd struct {
	List    notificationList    `cmd:"" help:"List what was not delivered: what waits, and what was given up."`
	Retry   notificationRetry   `cmd:"" help:"Have notifications tried at once, also those that were given up."`
	Receive notificationReceive `cmd:"" help:"Be a subscriber for a first try: answer the test of a callback and print what comes."`
}

type notificationList struct {
	listing
	State        string `help:"Only those of this state: PENDING or FAILED." placeholder:"STATE"`
	Subscription string `help:"Only those of this subscription: its id or the beginning of it, or its callback." placeholder:"ID" predictor:"subscription"`
}

var notificationColumns = []screen.Column[sol.Notification]{
	{Head: "ID", Of: func(v *sol.Notification) any { return v.Id }},
	{Head: "STATE", Of: func(v *sol.Notification) any { return screen.State(v.State) }},
	{Head: "ABOUT", Of: func(v *sol.Notification) any { return subject(v.NotificationType, v.OperationState) }},
	{Head: "ATTEMPTS", Of: func(v *sol.Notification) any { return v.Attempts }, Drop: 2},
	{Head: "SINCE", Of: func(v *sol.Notification) any { return v.Created }, Drop: 1},
	{Head: "REASON", Of: func(v *sol.Notification) any { return v.Reason }},
}

func (c *notificationList) Run(s *session) error {
	of := c.Subscription
	if of != "" {
		id, err := s.subscriptionID(of)
		if err != nil {
			return err
		}
		of = id
	}
	return list(s, &c.listing, notificationColumns, func() ([]sol.Notification, error) {
		return s.Notifications(s.ctx, strings.ToUpper(c.State), of)
	})
}

// subject says in a few words what a notification is about.
func subject(kind, state string) string {
	switch {
	case state != "":
		return state
	case kind == "VnfIdentifierCreationNotification":
		return "created"
	default:
		return "deleted"
	}
}

type notificationRetry struct {
	ID           string `arg:"" optional:"" help:"Id of the notification in the list." predictor:"notification"`
	Subscription string `help:"Instead of one: all of this subscription that were given up." placeholder:"ID" predictor:"subscription"`
}

func (c *notificationRetry) Run(s *session) error {
	if (c.ID == "") == (c.Subscription == "") {
		return usagef("name a notification, or --subscription for all of one that were given up")
	}
	var ids []string
	if c.ID != "" {
		id, err := s.notificationID(c.ID)
		if err != nil {
			return err
		}
		ids = []string{id}
	} else {
		of, err := s.subscriptionID(c.Subscription)
		if err != nil {
			return err
		}
		all, err := s.Notifications(s.ctx, "FAILED", of)
		if err != nil {
			return err //nolint:wrapcheck // of the client
		}
		for _, n := range all {
			ids = append(ids, n.Id)
		}
	}
	done := []sol.Notification{}
	for _, id := range ids {
		n, err := s.RetryNotification(s.ctx, id)
		if err != nil {
			return err //nolint:wrapcheck // of the client
		}
		done = append(done, *n)
	}
	return s.show(done, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%d tried again\n", len(done)) })
}

// maxNotification bounds what the receiver takes, in bytes.
const maxNotification = 16 << 20

type notificationReceive struct {
	Listen string `default:"127.0.0.1:9999" help:"Address and port to listen on."`
}

// Run answers GET with 204, prints the body of each POST and answers 204, until it is interrupted.
func (c *notificationReceive) Run(s *session) error {
	lc := net.ListenConfig{}
	l, err := lc.Listen(s.ctx, "tcp", c.Listen)
	if err != nil {
		return usagef("%v", err)
	}
	_, _ = fmt.Fprintf(s.Err, "waiting for notifications at http://%s/\n", l.Addr())
	srv := &http.Server{Handler: receiver(s), ReadTimeout: 10 * time.Second}
	stop := context.AfterFunc(s.ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err //nolint:wrapcheck // says what it is
	}
	return nil
}

func receiver(s *session) http.Handler {
	var one sync.Mutex // notifications of several VNFs come at once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotification))
			var n sol.VnfLcmOperationOccurrenceNotification
			if err != nil || json.Unmarshal(body, &n) != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			one.Lock()
			defer one.Unlock()
			err = s.show(json.RawMessage(body), func(w io.Writer) {
				what := subject(string(n.NotificationType), n.OperationState)
				if n.Operation != "" {
					what = n.Operation + " " + what
				}
				_, _ = fmt.Fprintf(w, "%s  VNF %s  %s", screen.Of(w).Stamp(n.TimeStamp), n.VnfInstanceId, what)
				if n.Error != nil {
					_, _ = fmt.Fprintf(w, ": %s", n.Error.Detail)
				}
				_, _ = fmt.Fprintln(w)
			})
			if err != nil {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
