package openstack_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

func neutronError(code int, kind, text string) refusal {
	return refusal{code, obj{"NeutronError": obj{"type": kind, "message": text, "detail": ""}}}
}

// neutron serves networks, subnets, ports, trunks and QoS policies.
func (f *fake) neutron() {
	for _, x := range []struct{ one, many string }{{"network", "networks"}, {"subnet", "subnets"}, {"port", "ports"}, {"trunk", "trunks"}, {"policy", "policies"}, {"security_group", "security-groups"}} {
		at := "/network/v2.0/" + x.many
		if x.one == "policy" {
			at = "/network/v2.0/qos/policies"
		}
		many := strings.ReplaceAll(x.many, "-", "_")
		missing := func(id string) refusal {
			name := strings.ToUpper(x.one[:1]) + x.one[1:]
			return neutronError(http.StatusNotFound, name+"NotFound", name+" "+id+" could not be found.")
		}
		f.on("GET "+at, http.StatusOK, func(r *http.Request, _ obj) any {
			q := r.URL.Query()
			if f.astray(x.many, q) {
				return neutronError(http.StatusBadRequest, "InvalidInput", "Invalid input for operation: '"+q.Get("marker")+"' is not a valid marker.")
			}
			if n, err := strconv.Atoi(q.Get("limit")); f.most > 0 && (err != nil || n > f.most) {
				q.Set("limit", strconv.Itoa(f.most))
			}
			page, more := paged(f.tables[x.many], q, byID, func(o obj) bool { return matches(o, q) })
			out := obj{many: append([]obj{}, page...)}
			if more {
				out[many+"_links"] = []obj{{"rel": "next", "href": f.url + at}}
			}
			return out
		})
		f.on("GET "+at+"/{id}", http.StatusOK, func(r *http.Request, _ obj) any {
			if o := f.row(x.many, r.PathValue("id")); o != nil {
				return obj{x.one: o}
			}
			return missing(r.PathValue("id"))
		})
		f.on("POST "+at, http.StatusCreated, func(_ *http.Request, in obj) any {
			o := sub(in, x.one)
			if n, ok := f.quota[x.one]; ok && len(f.tables[x.many]) >= n {
				return neutronError(http.StatusConflict, "OverQuota", "Quota exceeded for resources: ['"+x.one+"'].")
			}
			if no := f.accept(x.one, o, nil); no != nil {
				return *no
			}
			o["project_id"] = fakeProject
			if x.one == "security_group" {
				o["security_group_rules"] = []any{
					obj{"id": uuid.NewString(), "direction": "egress", "ethertype": "IPv4"}, obj{"id": uuid.NewString(), "direction": "egress", "ethertype": "IPv6"},
				}
			}
			return obj{x.one: f.add(x.many, o)}
		})
		f.on("PUT "+at+"/{id}", http.StatusOK, func(r *http.Request, in obj) any {
			o := f.row(x.many, r.PathValue("id"))
			if o == nil {
				return missing(r.PathValue("id"))
			}
			change := sub(in, x.one)
			if no := f.accept(x.one, change, o); no != nil {
				return *no
			}
			for k, v := range change {
				o[k] = v
			}
			return obj{x.one: o}
		})
		f.on("DELETE "+at+"/{id}", http.StatusNoContent, func(r *http.Request, _ obj) any {
			id := r.PathValue("id")
			if f.row(x.many, id) == nil {
				return missing(id)
			}
			if no := f.used(x.one, id); no != nil {
				return *no
			}
			f.drop(x.many, id)
			return nil
		})
	}
	f.on("POST /network/v2.0/qos/policies/{id}/bandwidth_limit_rules", http.StatusCreated, func(r *http.Request, in obj) any {
		p, rule := f.row("policies", r.PathValue("id")), sub(in, "bandwidth_limit_rule")
		if p == nil {
			return neutronError(http.StatusNotFound, "QosPolicyNotFound", "QoS policy "+r.PathValue("id")+" could not be found.")
		}
		rule["type"], rule["id"] = "bandwidth_limit", "rule-1"
		p["rules"] = append(list(p, "rules"), rule)
		return obj{"bandwidth_limit_rule": rule}
	})
	f.on("PUT /network/v2.0/qos/policies/{id}/bandwidth_limit_rules/{rule}", http.StatusOK, func(r *http.Request, in obj) any {
		rule, _ := list(f.row("policies", r.PathValue("id")), "rules")[0].(obj)
		rule["max_kbps"] = sub(in, "bandwidth_limit_rule")["max_kbps"]
		return obj{"bandwidth_limit_rule": rule}
	})
}

// securityRules serves the rules of security groups.
func (f *fake) securityRules() {
	f.on("POST /network/v2.0/security-group-rules", http.StatusCreated, func(_ *http.Request, in obj) any {
		for _, x := range list(in, "security_group_rules") {
			rule, _ := x.(obj)
			g := f.row("security-groups", str(rule, "security_group_id"))
			if g == nil {
				return neutronError(http.StatusNotFound, "SecurityGroupNotFound", "Security group does not exist.")
			}
			rule["id"] = uuid.NewString()
			g["security_group_rules"] = append(list(g, "security_group_rules"), rule)
		}
		return obj{}
	})
	f.on("DELETE /network/v2.0/security-group-rules/{id}", http.StatusNoContent, func(r *http.Request, _ obj) any {
		for _, g := range f.tables["security-groups"] {
			g["security_group_rules"] = slices.DeleteFunc(list(g, "security_group_rules"), func(x any) bool {
				rule, _ := x.(obj)
				return rule["id"] == r.PathValue("id")
			})
		}
		return nil
	})
}

// matches filters as Neutron does: by whole values of whatever is named.
func matches(o obj, q url.Values) bool {
	for k, vs := range q {
		if k == "marker" || k == "limit" || k == "fields" {
			continue
		}
		if k == "router:external" && o[k] == nil {
			return false
		}
		if !slices.Contains(vs, fmt.Sprint(o[k])) {
			return false
		}
	}
	return true
}

// accept checks what is to be made, or changed of what is there, and chooses what is left open.
func (f *fake) accept(kind string, o, of obj) *refusal {
	no := func(code int, kind, text string) *refusal { r := neutronError(code, kind, text); return &r }
	if m := num(o, "mtu"); m != 0 && m < 68 {
		return no(http.StatusBadRequest, "InvalidInput", "Invalid input for operation: Requested MTU is too small, minimum value is '68'.")
	}
	switch kind {
	case "network":
		if of == nil && o["mtu"] == nil {
			o["mtu"] = 1450
		}
		if of == nil && o["provider:network_type"] != nil {
			return &refusal{http.StatusForbidden, obj{"NeutronError": obj{"type": "PolicyNotAuthorized", "detail": "",
				"message": "(rule:create_network and rule:create_network:provider:network_type) is disallowed by policy"}}}
		}
	case "subnet":
		if of != nil {
			return nil
		}
		if f.row("networks", str(o, "network_id")) == nil {
			return no(http.StatusNotFound, "NetworkNotFound", "Network "+str(o, "network_id")+" could not be found.")
		}
		mine, err := netip.ParsePrefix(str(o, "cidr"))
		if err != nil {
			return no(http.StatusBadRequest, "HTTPBadRequest", "Invalid input for cidr.")
		}
		for _, s := range f.tables["subnets"] {
			if s["network_id"] == o["network_id"] && netip.MustParsePrefix(str(s, "cidr")).Overlaps(mine) {
				return no(http.StatusBadRequest, "InvalidInput", "Invalid input for operation: Requested subnet with cidr: "+mine.String()+" overlaps with another subnet.")
			}
		}
		if o["gateway_ip"] == nil {
			o["gateway_ip"] = mine.Masked().Addr().Next().String()
		}
	case "port":
		return f.acceptPort(o, of)
	}
	return nil
}

func (f *fake) acceptPort(o, of obj) *refusal {
	no := func(code int, kind, text string) *refusal { r := neutronError(code, kind, text); return &r }
	net := str(o, "network_id")
	if of != nil {
		net = str(of, "network_id")
	}
	if f.row("networks", net) == nil {
		return no(http.StatusNotFound, "NetworkNotFound", "Network "+net+" could not be found.")
	}
	if of == nil {
		if o["mac_address"] == nil {
			o["mac_address"] = fmt.Sprintf("fa:16:3e:00:%02x:%02x", len(f.tables["ports"])/256, len(f.tables["ports"])%256)
		}
		if o["binding:vnic_type"] == nil {
			o["binding:vnic_type"] = "normal"
		}
		o["device_id"], o["device_owner"] = "", ""
		if o["security_groups"] == nil {
			o["security_groups"] = []any{f.id("security-groups", "default")}
		}
	}
	for _, x := range list(o, "security_groups") {
		if id, _ := x.(string); f.row("security-groups", id) == nil {
			return no(http.StatusNotFound, "SecurityGroupNotFound", "Security group "+id+" does not exist.")
		}
	}
	if o["fixed_ips"] == nil && of == nil {
		o["fixed_ips"] = []any{}
		for _, s := range f.tables["subnets"] {
			if s["network_id"] == net {
				o["fixed_ips"] = []any{obj{"subnet_id": s["id"]}}
				break
			}
		}
	}
	for _, x := range list(o, "fixed_ips") {
		ip, _ := x.(obj)
		for _, s := range f.tables["subnets"] {
			if s["network_id"] != net || ip["subnet_id"] != nil && ip["subnet_id"] != s["id"] {
				continue
			}
			ip["subnet_id"] = s["id"]
			if ip["ip_address"] != nil {
				break
			}
			for a := netip.MustParsePrefix(str(s, "cidr")).Addr().Next().Next(); ; a = a.Next() {
				if f.holder(net, a.String()) == nil {
					ip["ip_address"] = a.String()
					break
				}
			}
		}
		if h := f.holder(net, str(ip, "ip_address")); h != nil && (of == nil || h["id"] != of["id"]) {
			return no(http.StatusConflict, "IpAddressAlreadyAllocated", "IP address "+str(ip, "ip_address")+" already allocated in subnet "+str(ip, "subnet_id"))
		}
	}
	return nil
}

// holder is the port that has an address in a network.
func (f *fake) holder(net, address string) obj {
	for _, p := range f.tables["ports"] {
		for _, x := range list(p, "fixed_ips") {
			if ip, _ := x.(obj); p["network_id"] == net && ip["ip_address"] == address {
				return p
			}
		}
	}
	return nil
}

// used refuses to delete what is in use.
func (f *fake) used(kind, id string) *refusal {
	no := func(kind, text string) *refusal { r := neutronError(http.StatusConflict, kind, text); return &r }
	for _, p := range f.tables["ports"] {
		ips := fmt.Sprint(p["fixed_ips"])
		switch {
		case kind == "security_group" && slices.Contains(list(p, "security_groups"), any(id)):
			return no("SecurityGroupInUse", "Security Group "+id+" in use.")
		case kind == "network" && p["network_id"] == id:
			return no("NetworkInUse", "Unable to complete operation on network "+id+". There are one or more ports still in use on the network.")
		case kind == "subnet" && strings.Contains(ips, id):
			return no("SubnetInUse", "Unable to complete operation on subnet "+id+": One or more ports have an IP allocation from this subnet.")
		}
	}
	if kind == "network" {
		f.tables["subnets"] = slices.DeleteFunc(f.tables["subnets"], func(o obj) bool { return o["network_id"] == id })
	}
	if kind == "policy" {
		for _, n := range f.tables["networks"] {
			if n["qos_policy_id"] == id {
				return no("QosPolicyInUse", "QoS Policy "+id+" is used by network "+str(n, "id")+".")
			}
		}
	}
	return nil
}
