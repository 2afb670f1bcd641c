package vim

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Observed is a resource with what its VIM shows of how it stands.
type Observed struct {
	Resource Resource `json:"resource"`
	// Spec is what the VIM shows, with its own ids. About names the attributes of it that are known: any other may be anything.
	// What a Resource tells by itself (the addresses and the MAC of a port) is not in it.
	Spec  Spec        `json:"spec"`
	About []Attribute `json:"about,omitempty"`
	// By tells who set an attribute last, and when, where that was not the VNF Manager and the VIM says so.
	By map[Attribute]string `json:"by,omitempty"`
	// Taken lists the fields of a manifest that others have set to something else, or removed, and who did, where that is known; nil: nobody
	// has. It may ask the VIM once. It stays in this process.
	Taken func(manifest json.RawMessage) (fields []string, by string) `json:"-"`
}

// Author notes who set an attribute last; "" is nobody that is known.
func (o *Observed) Author(a Attribute, who string) {
	if who == "" {
		return
	}
	if o.By == nil {
		o.By = map[Attribute]string{}
	}
	o.By[a] = who
}

// ObservedPage is a page of observed resources, as a ListPage is.
type ObservedPage struct {
	Resources []Observed `json:"resources"`
	Next      string     `json:"next,omitempty"`
}

// Observer is implemented by drivers that can tell how resources stand, a page at a time. Of others is known what a Resource tells.
// Errors are as the Driver's.
type Observer interface {
	// Observe is List, with what the VIM shows of each resource. Nothing secret is shown: no boot data, values or objects.
	Observe(ctx context.Context, conn Connection, r ListRequest) (ObservedPage, error)
}

// Look is what a VIM shows of a VNF: what it has, and which of the tokens that were asked about it does not have, in their order. Of
// what is found by its token only is known what it tells by itself.
type Look struct {
	Found   []Observed
	Missing []Token
}

// Seen is what a resource tells by itself of how it stands: whether a machine is on, and how many pods there are of a unit that is
// ready.
func Seen(r Resource) Observed {
	o := Observed{Resource: r}
	switch {
	case r.Kind == Compute && r.Power != "":
		o.Spec.Compute, o.About = &ComputeSpec{Power: r.Power}, []Attribute{AttributePower}
	case r.Kind == Unit && r.Ready:
		o.Spec.Unit, o.About = &UnitSpec{Replicas: len(r.Pods)}, []Attribute{AttributeReplicas}
		for _, p := range r.Pods {
			if p.Vdu == "" {
				continue
			}
			if o.Spec.Unit.Counts == nil {
				o.Spec.Unit, o.About = &UnitSpec{Counts: map[string]int{}}, []Attribute{AttributeCounts}
			}
			o.Spec.Unit.Counts[p.Vdu]++
		}
	}
	return o
}

// EachObserved is EachPage with what the VIM shows of each resource, as far as its driver can tell.
func EachObserved(ctx context.Context, d Driver, conn Connection, owner string, limit int, timeout time.Duration, f func([]Observed) error) error {
	o, ok := d.(Observer)
	if !ok {
		return EachPage(ctx, d, conn, owner, limit, timeout, func(page []Resource) error {
			out := make([]Observed, len(page))
			for i, r := range page {
				out[i] = Seen(r)
			}
			return f(out)
		})
	}
	return eachPage(ctx, owner, limit, timeout, func(ctx context.Context, r ListRequest) ([]Observed, string, error) {
		page, err := o.Observe(ctx, conn, r)
		return page.Resources, page.Next, err //nolint:wrapcheck // an Error of the driver
	}, f)
}

// Differs returns the attributes in which a resource stands in another way than a specification says, of those that are known. What the
// specification leaves to the VIM may be anything, and a VIM need not show in which order a machine has its ports and volumes, nor which
// volume it boots from.
func (o *Observed) Differs(from Spec) []Attribute {
	out := slices.DeleteFunc(Differences(from.unordered(), o.Spec.unordered()), func(a Attribute) bool {
		return !slices.Contains(o.About, a) || from.leaves(a)
	})
	if o.Taken != nil && from.Unit != nil {
		fields, by := o.Taken(from.Unit.Objects)
		if o.Author(AttributeObjects, by); len(fields) > 0 && !slices.Contains(out, AttributeObjects) {
			out = append(out, AttributeObjects)
		}
	}
	return out
}

// Found is how an attribute stands, for people: of a manifest the fields that are set to something else.
func (o *Observed) Found(a Attribute, from Spec) string {
	if a == AttributeObjects && o.Taken != nil && from.Unit != nil {
		if fields, _ := o.Taken(from.Unit.Objects); len(fields) > 0 {
			return strings.Join(fields, ", ")
		}
	}
	return o.Spec.Shown(a)
}

// leaves reports whether a specification leaves an attribute to the VIM.
func (s Spec) leaves(a Attribute) bool {
	switch a {
	case AttributeZone, AttributeMAC, AttributeVnicType, AttributeType, AttributeGateway:
		return s.Shown(a) == ""
	case AttributeMTU:
		return part(s.Network).MTU == 0
	default:
		return false
	}
}

// unordered returns a specification whose machine has its ports and volumes in the order of their ids, and whose port has its rules
// and shared addresses in an order of their own.
func (s Spec) unordered() Spec {
	if s.Port != nil {
		p := *s.Port
		p.Shared = slices.Sorted(slices.Values(p.Shared))
		p.Rules = slices.SortedFunc(slices.Values(p.Rules), SecurityRule.Compare)
		s.Port = &p
	}
	if s.Compute == nil {
		return s
	}
	c := *s.Compute
	c.Ports = slices.Sorted(slices.Values(c.Ports))
	c.Volumes = slices.Clone(c.Volumes)
	for i := range c.Volumes {
		c.Volumes[i].Boot = false
	}
	slices.SortFunc(c.Volumes, func(a, b VolumeRef) int { return strings.Compare(a.ID, b.ID) })
	s.Compute = &c
	return s
}

// Shown returns what a specification says of an attribute, as text for people; "" where it says nothing, and for what may hold secrets.
func (s Spec) Shown(a Attribute) string {
	c, p, n, u := part(s.Compute), part(s.Port), part(s.Network), part(s.Subnet)
	v, unit := part(s.Volume), part(s.Unit)
	either := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	switch a {
	case AttributeName:
		return s.Name
	case AttributeFlavour:
		return c.Flavour
	case AttributeImage:
		return either(c.Image, v.Image)
	case AttributeZone:
		return either(c.Zone, v.Zone)
	case AttributePorts:
		return strings.Join(c.Ports, ", ")
	case AttributeServerGroups:
		return strings.Join(c.ServerGroup, ", ")
	case AttributeVolumes:
		var ids []string
		for _, x := range c.Volumes {
			ids = append(ids, x.ID)
		}
		return strings.Join(ids, ", ")
	case AttributeSubPorts:
		var ids []string
		for _, x := range c.SubPorts {
			ids = append(ids, x.Port+" "+x.SegmentationID+" on "+x.Parent)
		}
		return strings.Join(ids, ", ")
	case AttributePower:
		if c.Off() {
			return string(PowerOff)
		}
		return string(PowerOn)
	case AttributeNetwork:
		return either(p.Network, u.Network)
	case AttributeMAC:
		return p.MAC
	case AttributeVnicType:
		return p.VnicType
	case AttributeSecurityRules:
		var all []string
		for _, r := range p.Rules {
			all = append(all, r.String())
		}
		return strings.Join(all, ", ")
	case AttributeShared:
		return strings.Join(p.Shared, ", ")
	case AttributeType:
		return either(n.Type, v.Type)
	case AttributeMTU:
		return strconv.Itoa(n.MTU)
	case AttributeRootBitRate:
		return strconv.FormatInt(n.RootBitRate, 10)
	case AttributeLeafBitRate:
		return strconv.FormatInt(n.LeafBitRate, 10)
	case AttributeIPVersion:
		return strconv.Itoa(u.IPVersion)
	case AttributeCIDR:
		return u.CIDR
	case AttributeGateway:
		return u.Gateway
	case AttributeDHCP:
		return strconv.FormatBool(u.DHCP)
	case AttributeSize:
		return strconv.FormatInt(v.SizeBytes, 10)
	case AttributeAffinity:
		return strconv.FormatBool(part(s.ServerGroup).Affinity)
	case AttributeReplicas:
		return strconv.Itoa(unit.Replicas)
	case AttributeCounts:
		b, _ := json.Marshal(unit.Counts) // numbers always marshal
		return string(b)
	case AttributeMetadata:
		b, _ := json.Marshal(c.Metadata) // texts always marshal
		return string(b)
	case AttributeKind, AttributePlacement, AttributeUserData, AttributeConfigDrive, AttributeAddresses, AttributeNoAddresses, AttributeValues,
		AttributeObjects, AttributeGone, AttributeConfiguration, AttributeContent:
	}
	return ""
}
