package openstack

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

var _ vim.Checker = (*Driver)(nil)

// Check asks a cloud for the versions of its APIs, the project's quotas, Neutron's extensions, what the connection may do, and for volume
// types. It asks for rights by requests that no cloud carries out: none tells what its policies are.
func (d *Driver) Check(ctx context.Context, conn vim.Connection) ([]vim.Fact, error) {
	cl, err := d.cloud(conn)
	if err != nil {
		return nil, err
	}
	c := call{cloud: cl, op: "check", what: conn.ID}
	if _, err := c.client(ctx, compute); err != nil {
		return nil, c.errorOf(compute, err)
	}
	out := []vim.Fact{{Area: vim.AreaRight, Name: "project", Value: cmp.Or(c.project.Name, c.project.ID, "none")}}
	for _, f := range []func(context.Context) ([]vim.Fact, error){c.versions, c.quotas, c.extensions, c.rights, c.volumeTypes} {
		facts, err := f(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, facts...)
	}
	return out, nil
}

// unknown makes a fact of what a cloud does not tell; an error that is about more than one question stays one.
func unknown(area vim.Area, name string, err error) ([]vim.Fact, error) {
	switch vim.ClassOf(err) {
	case message.Auth, message.NotFound, message.Permanent:
		return []vim.Fact{{Area: area, Name: name, Value: "cannot be read"}}, nil
	default:
		return nil, err
	}
}

// document is what an API says of its versions.
type document struct {
	Version struct {
		ID  string `json:"id"`
		Max string `json:"version"`
	} `json:"version"`
	Versions []struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		Max    string `json:"version"`
	} `json:"versions"`
}

// versions are those of the services, and whether they have the microversion that is used.
func (c call) versions(ctx context.Context) (out []vim.Fact, err error) {
	for _, s := range []*service{compute, network, storage, image} {
		client, err := c.client(ctx, s)
		if err != nil {
			out = append(out, vim.Fact{Area: vim.AreaVersion, Name: s.kind, Value: c.errorOf(s, err).Hint, Lacks: true})
			continue
		}
		f := vim.Fact{Area: vim.AreaVersion, Name: s.kind, Value: "there"}
		has, err := c.version(ctx, s, client)
		switch {
		case vim.ClassOf(err) == message.Unavailable || vim.ClassOf(err) == message.UnknownOutcome:
			f.Value, f.Lacks = c.errorOf(s, err).Hint, true
		case has != "":
			f.Value = has
			if need := needed(s); newer(need, has) {
				f.Value, f.Lacks = has+", and "+need+" is used", true
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// needed is the newest microversion of a service that is used.
func needed(s *service) string {
	if s == compute {
		return computing.microversion
	}
	return s.microversion
}

// newer reports whether one version is newer than another: 2.52 than 2.9.
func newer(a, b string) bool {
	x, y := strings.Split(strings.TrimPrefix(a, "v"), "."), strings.Split(strings.TrimPrefix(b, "v"), ".")
	for i := range min(len(x), len(y)) {
		m, err := strconv.Atoi(x[i])
		n, other := strconv.Atoi(y[i])
		if err != nil || other != nil {
			return false
		}
		if m != n {
			return m > n
		}
	}
	return false
}

// version is the newest that a service has; "" when it does not say. The document is at the endpoint without the project, or above it.
func (c call) version(ctx context.Context, s *service, client *gophercloud.ServiceClient) (string, error) {
	at := strings.TrimSuffix(client.Endpoint, "/")
	if c.project.ID != "" {
		at = strings.TrimSuffix(at, "/"+c.project.ID)
	}
	if s == network || s == image { // theirs is above
		at = at[:strings.LastIndex(at, "/")]
	}
	var doc document
	codes := append(good(), http.StatusMultipleChoices)
	if _, err := client.Request(ctx, http.MethodGet, at+"/", &gophercloud.RequestOpts{OkCodes: codes, JSONResponse: &doc}); err != nil { //nolint:bodyclose // the client has read and closed it
		return "", c.errorOf(s, err)
	}
	best := cmp.Or(doc.Version.Max, doc.Version.ID)
	for _, v := range doc.Versions {
		if v := cmp.Or(v.Max, v.ID); best == "" || newer(v, best) {
			best = v
		}
	}
	return best, nil
}

// quota is a fact of a quota: of so many so many are used. No bound is -1 at all services.
func quota(name string, used, most int64) vim.Fact {
	if most < 0 {
		return vim.Fact{Area: vim.AreaQuota, Name: name, Value: fmt.Sprintf("%d used, no limit", used)}
	}
	return vim.Fact{Area: vim.AreaQuota, Name: name, Value: fmt.Sprintf("%d of %d used", used, most), Lacks: used >= most}
}

func (c call) quotas(ctx context.Context) (out []vim.Fact, err error) {
	for _, x := range []struct {
		of    *service
		names map[string][2]string // shown: used, most
	}{
		{compute, map[string][2]string{
			"instances": {"totalInstancesUsed", "maxTotalInstances"}, "cores": {"totalCoresUsed", "maxTotalCores"},
			"ram (MiB)": {"totalRAMUsed", "maxTotalRAMSize"}, "server groups": {"totalServerGroupsUsed", "maxServerGroups"},
		}},
		{storage, map[string][2]string{
			"volumes": {"totalVolumesUsed", "maxTotalVolumes"}, "volumes (GiB)": {"totalGigabytesUsed", "maxTotalVolumeGigabytes"},
		}},
	} {
		var doc struct {
			Limits struct {
				Absolute map[string]int64 `json:"absolute"`
			} `json:"limits"`
		}
		if err := c.get(ctx, x.of, "limits", nil, &doc); err != nil {
			facts, err := unknown(vim.AreaQuota, x.of.kind, err)
			if err != nil {
				return nil, err
			}
			out = append(out, facts...)
			continue
		}
		for name, keys := range x.names {
			if most, ok := doc.Limits.Absolute[keys[1]]; ok {
				out = append(out, quota(name, doc.Limits.Absolute[keys[0]], most))
			}
		}
	}
	var doc struct {
		Quota map[string]struct{ Used, Limit int64 } `json:"quota"`
	}
	if err := c.get(ctx, network, "quotas/"+escaped(c.project.ID)+"/details", nil, &doc); err != nil {
		facts, err := unknown(vim.AreaQuota, network.kind, err)
		if err != nil {
			return nil, err
		}
		out = append(out, facts...)
	}
	for key, name := range map[string]string{
		"network": "networks", "subnet": "subnets", "port": "ports", "security_group": "security groups", "security_group_rule": "security group rules",
		"trunk": "trunks",
	} {
		if q, ok := doc.Quota[key]; ok {
			out = append(out, quota(name, q.Used, q.Limit))
		}
	}
	slices.SortFunc(out, func(a, b vim.Fact) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// extensions are those of Neutron that VNFDs may need.
func (c call) extensions(ctx context.Context) ([]vim.Fact, error) {
	var doc struct {
		Extensions []struct{ Alias string } `json:"extensions"`
	}
	if err := c.get(ctx, network, "extensions", nil, &doc); err != nil {
		return unknown(vim.AreaExtension, network.kind, err)
	}
	var out []vim.Fact
	for _, x := range [][2]string{
		{"allowed-address-pairs", "shared addresses of ports (VipCp)"}, {"binding", "types of network cards (SR-IOV)"},
		{"port-security", "networks without rules"}, {"qos", "leaf bit rates"}, {"security-group", "rules of security groups"},
		{"trunk", "ports that are reached through others"},
	} {
		f := vim.Fact{Area: vim.AreaExtension, Name: x[0], Value: "there, for " + x[1]}
		if !slices.ContainsFunc(doc.Extensions, func(e struct{ Alias string }) bool { return e.Alias == x[0] }) {
			f.Value = "not there: " + x[1] + " are refused"
		}
		out = append(out, f)
	}
	return out, nil
}

// rights asks what the connection may do beyond what a member of a project always may. Policies are looked at before what is asked for, and
// what is asked for there is not: who may is told so, and who may not is told that.
func (c call) rights(ctx context.Context) (out []vim.Fact, err error) {
	for _, x := range []struct {
		name, otherwise string
		path            string
		in              object
		refused         message.Class // to whoever may
	}{
		{
			"limit bit rates", "a VNFD with leaf bit rates is refused", "qos/policies/00000000-0000-4000-8000-000000000000/bandwidth_limit_rules",
			object{"bandwidth_limit_rule": object{"max_kbps": 1}}, message.NotFound,
		},
		{
			"choose the type of a network", "a VNFD with network types is refused", "networks",
			object{"network": object{"name": "vnfm-check", "provider:network_type": "none-such"}}, message.Permanent,
		},
	} {
		f := vim.Fact{Area: vim.AreaRight, Name: x.name, Value: "not known"}
		switch vim.ClassOf(c.post(ctx, network, x.path, x.in, nil)) {
		case message.Auth:
			f.Value = "not allowed: " + x.otherwise
		case x.refused:
			f.Value = "allowed"
		default:
		}
		out = append(out, f)
	}
	return out, nil
}

// volumeTypes are the types of storage.
func (c call) volumeTypes(ctx context.Context) ([]vim.Fact, error) {
	var doc struct {
		Types []struct {
			Name        string `json:"name"`
			Description string `json:"description"`
			Public      bool   `json:"is_public"`
		} `json:"volume_types"`
	}
	if err := c.get(ctx, storage, "types", nil, &doc); err != nil {
		return unknown(vim.AreaStorageClass, storage.kind, err)
	}
	var out []vim.Fact
	for _, t := range doc.Types {
		out = append(out, vim.Fact{Area: vim.AreaStorageClass, Name: t.Name, Value: cmp.Or(fitting(t.Description, maxSaid), "a volume type")})
	}
	slices.SortFunc(out, func(a, b vim.Fact) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
