package openstack

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/gophercloud/gophercloud/v2"
	osclient "github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// Type is the vimType of the driver (SOL003 v3.7.1 §4.4.1.6 and its registry of vimTypes).
const Type = "ETSINFV.OPENSTACK_KEYSTONE.V_3"

// service is one of a cloud's APIs.
type service struct {
	kind         string   // in the catalogue
	aliases      []string // older words for it
	base         string   // the version in a path, where an endpoint may lack it
	microversion string
}

// The services. A server is created with a microversion of its own: only that one takes tags, and only those before it show the id of
// a flavour.
//
//nolint:gochecknoglobals // data
var (
	compute   = &service{kind: "compute", microversion: "2.46"}
	computing = &service{kind: "compute", microversion: "2.52"}
	network   = &service{kind: "network", aliases: []string{"networking"}, base: "v2.0"}
	storage   = &service{kind: "block-storage", aliases: []string{"volumev3", "block-store"}, microversion: "3.42"}
	image     = &service{kind: "image", base: "v2"}
	services  = []*service{compute, computing, network, storage, image}
)

// cloud is a connection with its clients.
type cloud struct {
	vim.Connection
	auth   gophercloud.AuthOptions
	region string
	face   string // of the endpoints: public, internal, admin

	turn     chan struct{} // of whoever logs in
	provider *gophercloud.ProviderClient
	clients  map[*service]*gophercloud.ServiceClient // nil until somebody has logged in
	project  tokens.Project

	making  turns    // of whoever makes a security group
	foreign sync.Map // ids of security groups that are none of ours
}

// keep is how many clouds' clients are kept.
const keep = 64

// cloud returns the clients of a connection; the same for the same connection, so that its token of Keystone is used again.
func (d *Driver) cloud(conn vim.Connection) (*cloud, error) {
	key, err := json.Marshal(conn) // stays in memory
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "the VIM connection %s", conn.ID)
	}
	sum := sha256.Sum256(key)
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.clouds[sum]; c != nil {
		return c, nil
	}
	c, err := d.dial(conn)
	if err != nil {
		return nil, &vim.Error{Op: "connect", Resource: conn.ID, Class: message.Permanent, Hint: err.Error()}
	}
	if len(d.clouds) >= keep {
		clear(d.clouds)
	}
	d.clouds[sum] = c
	return c, nil
}

// dial reads a connection; nothing is sent.
func (d *Driver) dial(conn vim.Connection) (*cloud, error) {
	if conn.Type != Type {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "not a connection to OpenStack: type %s", conn.Type)
	}
	at, access := spellings(conn.Extra, conn.InterfaceInfo), spellings(conn.AccessInfo)
	endpoint := at.text("endpoint", "authurl")
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme) {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "interfaceInfo.endpoint must be the URL of Keystone, such as https://cloud.example:5000/v3")
	}
	for _, name := range []string{"skiptls", "insecure", "skipcertificateverification", "skipcertificatehostnamecheck"} {
		if v := at.text(name); v == "true" {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "an endpoint that is not verified is not used: give its certificate in interfaceInfo.ssl_ca_cert in place of %s", name)
		}
	}
	c := &cloud{Connection: conn, region: access.text("region", "regionname"), face: at.text("interface", "endpointtype"), turn: make(chan struct{}, 1)}
	if c.region == "" {
		c.region = at.text("region", "regionname")
	}
	c.face = strings.TrimSuffix(c.face, "URL")
	switch c.face {
	case "":
		c.face = "public"
	case "public", "internal", "admin":
	default:
		return nil, vnfm.Errorf(vnfm.Unprocessable, "interfaceInfo.interface must be public, internal or admin")
	}
	if c.auth, err = credentials(access); err != nil {
		return nil, err
	}
	c.auth.AllowReauth = true
	c.auth.IdentityEndpoint = strings.TrimSuffix(strings.TrimSuffix(endpoint, "/"), "/v3") + "/"
	return c, d.transport(c, at)
}

// transport gives a cloud its way through the network.
func (d *Driver) transport(c *cloud, at words) error {
	roots, err := authorities(at)
	if err != nil {
		return err
	}
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	t.MaxIdleConnsPerHost = 16
	var rt http.RoundTripper = vim.Answers{Next: t, Max: d.cfg.MaxAnswerBytes}
	if d.cfg.Wrap != nil {
		rt = d.cfg.Wrap(rt)
	}
	if c.provider, err = osclient.NewClient(c.auth.IdentityEndpoint); err != nil {
		return vnfm.Wrap(vnfm.Unprocessable, err, "interfaceInfo.endpoint")
	}
	c.provider.HTTPClient = http.Client{Transport: rt} // contexts end its calls
	c.provider.UserAgent.Prepend("vnfm")
	return nil
}

// words are values by name, whatever the spelling: user_domain_name is userDomainName.
type words map[string]json.RawMessage

// spellings reads maps of a connection; what comes first counts.
func spellings(maps ...map[string]json.RawMessage) words {
	out := words{}
	for _, m := range maps {
		for k, v := range m {
			k = strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(k))
			if _, ok := out[k]; !ok {
				out[k] = v
			}
		}
	}
	return out
}

// text is the first value that is there, by the names for it.
func (w words) text(names ...string) string {
	for _, n := range names {
		if v := strings.TrimSpace(vim.Text(w, n)); v != "" && v != "null" {
			return v
		}
	}
	return ""
}

// credentials reads accessInfo: a password, or an application credential. The names are those of the registry of vimTypes (username,
// password, project, projectDomain, userDomain), and those of clouds.yaml and of Tacker (project_name, user_domain_id and so on).
func credentials(w words) (gophercloud.AuthOptions, error) {
	var o gophercloud.AuthOptions
	user, userID := w.text("username", "user"), w.text("userid")
	domain, domainID := domainOf(w.text("userdomain", "userdomainname", "domain", "domainname"), w.text("userdomainid", "domainid"))
	if id, name := w.text("applicationcredentialid"), w.text("applicationcredentialname"); id != "" || name != "" {
		o.ApplicationCredentialID, o.ApplicationCredentialSecret = id, w.text("applicationcredentialsecret")
		if o.ApplicationCredentialSecret == "" {
			return o, vnfm.Errorf(vnfm.Unprocessable, "accessInfo.application_credential_secret is missing")
		}
		if id != "" {
			return o, nil
		}
		o.ApplicationCredentialName, o.UserID, o.Username = name, userID, user
		if userID == "" {
			o.DomainName, o.DomainID = domain, domainID
		}
		if user == "" && userID == "" {
			return o, vnfm.Errorf(vnfm.Unprocessable, "an application credential is named by its id, or by its name and accessInfo.username")
		}
		return o, nil
	}
	o.Username, o.UserID, o.Password = user, userID, w.text("password")
	if o.Password == "" || user == "" && userID == "" {
		return o, vnfm.Errorf(vnfm.Unprocessable, "accessInfo must have username and password, or application_credential_id and application_credential_secret")
	}
	if userID != "" {
		o.Username = ""
	} else {
		o.DomainName, o.DomainID = domain, domainID
	}
	project, projectID := w.text("project", "projectname", "tenant", "tenantname"), w.text("projectid", "tenantid")
	if project == "" && projectID == "" {
		return o, vnfm.Errorf(vnfm.Unprocessable, "accessInfo.project must name the project that everything is made in")
	}
	o.Scope = &gophercloud.AuthScope{ProjectID: projectID}
	if projectID == "" {
		o.Scope.ProjectName = project
		o.Scope.DomainName, o.Scope.DomainID = domainOf(w.text("projectdomain", "projectdomainname"), w.text("projectdomainid"))
		if w.text("projectdomain", "projectdomainname", "projectdomainid") == "" {
			o.Scope.DomainName, o.Scope.DomainID = domain, domainID
		}
	}
	return o, nil
}

// domainOf names a domain: "default" is the id of the one there always is, whose name is written in several ways.
func domainOf(name, id string) (string, string) {
	switch {
	case id != "":
		return "", id
	case name == "" || strings.EqualFold(name, "default"):
		return "", "default"
	}
	return name, ""
}

// authorities reads the certificates that vouch for the endpoints, nil where the system's do: PEM, base64 of PEM or of DER, or a list
// of such.
func authorities(w words) (*x509.CertPool, error) {
	var texts []string
	for _, name := range []string{"sslcacert", "cacert", "trustedcertificates"} {
		raw := w[name]
		var list []string
		if json.Unmarshal(raw, &list) == nil {
			texts = append(texts, list...)
		} else if t := w.text(name); t != "" {
			texts = append(texts, t)
		}
	}
	if len(texts) == 0 {
		return nil, nil //nolint:nilnil // the system's
	}
	pool := x509.NewCertPool()
	for _, t := range texts {
		text := []byte(strings.TrimSpace(t))
		if !strings.HasPrefix(string(text), "-----BEGIN") {
			der, err := base64.StdEncoding.DecodeString(string(text))
			if err == nil && !strings.Contains(string(der), "-----BEGIN") {
				der = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
			}
			text = der
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "interfaceInfo.ssl_ca_cert must be certificates: PEM, or base64 of PEM or DER")
		}
	}
	return pool, nil
}

// client returns the client of a service; the first call logs in.
func (c *cloud) client(ctx context.Context, s *service) (*gophercloud.ServiceClient, error) {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, &loginError{ctx.Err()}
	}
	defer func() { <-c.turn }()
	if c.clients == nil {
		if err := c.login(ctx); err != nil {
			return nil, &loginError{err}
		}
	}
	if sc := c.clients[s]; sc != nil {
		return sc, nil
	}
	return nil, &lacking{c.region, s.kind, c.face}
}

// login gets a token, and with it the catalogue of services.
func (c *cloud) login(ctx context.Context) error {
	if err := osclient.AuthenticateV3(ctx, c.provider, &c.auth, gophercloud.EndpointOpts{}); err != nil {
		return err //nolint:wrapcheck // classified by whoever called
	}
	result, ok := c.provider.GetAuthResult().(tokens.CreateResult)
	if !ok {
		return &lacking{c.region, "catalogue", c.face}
	}
	catalogue, err := result.ExtractServiceCatalog()
	if err != nil {
		return err //nolint:wrapcheck // as above
	}
	if p, err := result.ExtractProject(); err == nil && p != nil {
		c.project = *p
	}
	clients := map[*service]*gophercloud.ServiceClient{}
	for _, s := range services {
		if at := s.endpoint(catalogue, c.region, c.face); at != "" {
			clients[s] = &gophercloud.ServiceClient{ProviderClient: c.provider, Endpoint: at, Type: s.kind, Microversion: s.microversion}
		}
	}
	c.clients = clients
	return nil
}

// endpoint finds a service in a catalogue; "" when it is not there. The words of today count before older ones.
func (s *service) endpoint(catalogue *tokens.ServiceCatalog, region, face string) string {
	for _, word := range append([]string{s.kind}, s.aliases...) {
		for _, entry := range catalogue.Entries {
			if entry.Type != word {
				continue
			}
			for _, e := range entry.Endpoints {
				if e.Interface != face || region != "" && e.Region != region && e.RegionID != region {
					continue
				}
				at := strings.TrimSuffix(e.URL, "/")
				if s.base != "" && !strings.HasSuffix(at, "/"+s.base) {
					at += "/" + s.base
				}
				return at + "/"
			}
		}
	}
	return ""
}

// lacking is the error about a service that a cloud does not have.
type lacking struct{ region, service, face string }

// Error says what is missing.
func (l *lacking) Error() string {
	text := "the catalogue of the cloud has no " + l.face + " endpoint of the service " + l.service
	if l.region != "" {
		text += " in the region " + l.region
	}
	return text
}
