package openstack

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// servers are Nova's servers.
type servers struct{}

type serverDoc struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Status   string            `json:"status"`
	Task     string            `json:"OS-EXT-STS:task_state"`
	Running  int               `json:"OS-EXT-STS:power_state"`
	Zone     string            `json:"OS-EXT-AZ:availability_zone"`
	Created  string            `json:"created"`
	Tags     []string          `json:"tags"`
	Metadata map[string]string `json:"metadata"`
	Flavour  ref               `json:"flavor"`
	Image    ref               `json:"image"`
	Volumes  []ref             `json:"os-extended-volumes:volumes_attached"`
	Fault    struct {
		Message string `json:"message"`
	} `json:"fault"`
}

// ref is something that is named by its id. Nova writes "" for the image of a server that has none.
type ref string

// UnmarshalJSON implements json.Unmarshaler.
func (r *ref) UnmarshalJSON(b []byte) error {
	var named struct{ ID string }
	if json.Unmarshal(b, &named) == nil {
		*r = ref(named.ID)
	}
	return nil
}

// The states of a server that are named below.
const (
	active, shutoff, failed, resized = "ACTIVE", "SHUTOFF", "ERROR", "VERIFY_RESIZE"
	running                          = 1 // power state
)

func (s serverDoc) item() (item, bool) {
	x, ok := marksIn(s.Metadata)
	if !ok {
		x, ok = marksInTags(s.Tags)
	}
	if !ok {
		return item{}, false
	}
	x.revision = revision(s.Metadata[keyRev])
	it := item{doc: s, created: s.Created, going: s.Task == "deleting" || strings.HasSuffix(s.Status, "DELETED"), Resource: vim.Resource{
		Token: x.token, Kind: vim.Compute, ID: s.ID, Owner: x.owner, Name: s.Name, Revision: x.revision, Zone: s.Zone,
		Type: "OS::Nova::Server", Power: s.power(),
	}}
	switch s.Status {
	case failed:
		class, hint := ofFault(s.Fault.Message)
		it.Failed, it.Health = &vim.Error{Op: "poll", Resource: s.ID, Class: class, Hint: hint}, vim.Unhealthy
	case "BUILD", "REBUILD", "RESIZE", "REVERT_RESIZE", "MIGRATING", "REBOOT", "HARD_REBOOT", "PASSWORD", "UNKNOWN":
	default:
		it.Ready = s.Task == "" && !s.toStop()
		if s.Status == active {
			it.Health = vim.Healthy
		}
	}
	return it, true
}

// toStop reports whether a server that runs is to be off from the beginning.
func (s serverDoc) toStop() bool { return s.Metadata[keyOff] != "" && s.Status == active }

// power is whether a server runs; "" while nobody can say.
func (s serverDoc) power() vim.Power {
	switch s.Status {
	case active, "PAUSED", "REBOOT", "HARD_REBOOT", "PASSWORD", "RESCUE":
		return vim.PowerOn
	case shutoff, "SUSPENDED", "SHELVED", "SHELVED_OFFLOADED":
		return vim.PowerOff
	case resized:
		if s.Running == running {
			return vim.PowerOn
		}
		return vim.PowerOff
	}
	return ""
}

// image is the image that a server is of. One that was made of a snapshot is of the image that the machine was made of before.
func (s serverDoc) image() string {
	if of := s.Metadata[keyOf]; of != "" && of == string(s.Image) {
		return s.Metadata[keyImage]
	}
	return string(s.Image)
}

func (servers) find(ctx context.Context, c call, t vim.Token) ([]item, error) {
	var out struct{ Servers []serverDoc }
	err := c.get(ctx, compute, "servers/detail", url.Values{"tags": {tagToken + t.String()}}, &out)
	return itemsOf(out.Servers), err
}

// get also stops a server that is to be off from the beginning, now that it has been made.
func (servers) get(ctx context.Context, c call, id string) (*item, error) {
	var out struct{ Server serverDoc }
	it, err := itemOf(&out.Server, c.get(ctx, compute, "servers/"+escaped(id), nil, &out))
	if it != nil && out.Server.toStop() && out.Server.Task == "" && c.op != "change" {
		if err := c.act(ctx, id, object{"os-stop": nil}); err != nil && vim.ClassOf(err) != message.Transient {
			return nil, err
		}
	}
	return it, err
}

// act asks Nova to do something with a server.
func (c call) act(ctx context.Context, id string, action object) error {
	return c.post(ctx, compute, "servers/"+escaped(id)+"/action", action, nil)
}

// maxUserData is what Nova takes, in base64.
const maxUserData = 65535

func (servers) create(ctx context.Context, c call, r vim.StartRequest) (string, error) {
	spec := r.Spec.Compute
	meta := metadata(spec, marks{r.Token, r.Owner, 1})
	if spec.Off() {
		meta[keyOff] = "1"
	}
	s := object{
		"name": fitting(r.Spec.Name, maxName), "flavorRef": spec.Flavour, "metadata": meta, "networks": "none",
		"tags": []string{mark, tagToken + r.Token.String(), tagOwner + r.Owner},
	}
	if len(spec.Ports) > 0 {
		nets := make([]object, len(spec.Ports))
		for i, p := range spec.Ports {
			nets[i] = object{"port": p}
		}
		s["networks"] = nets
	}
	if err := c.disks(s, spec); err != nil {
		return "", err
	}
	if spec.Zone != "" {
		s["availability_zone"] = spec.Zone
	}
	if spec.ConfigDrive {
		s["config_drive"] = true
	}
	if spec.UserData != "" {
		data := base64.StdEncoding.EncodeToString([]byte(spec.UserData))
		if len(data) > maxUserData {
			return "", c.fail(message.Permanent, "the boot data is longer than what Nova takes (48 KiB)")
		}
		s["user_data"] = data
	}
	in := object{"server": s}
	switch len(spec.ServerGroup) {
	case 0:
	case 1:
		in["os:scheduler_hints"] = object{"group": spec.ServerGroup[0]}
	default:
		return "", c.fail(message.Permanent, "a server is in one server group at most, and several placement rules name this one")
	}
	if err := c.trunk(ctx, r.Token, spec); err != nil {
		return "", err
	}
	var out struct {
		Server struct {
			ID string `json:"id"`
		} `json:"server"`
	}
	err := c.post(ctx, computing, "servers", in, &out)
	return out.Server.ID, err
}

// disks says what a new server boots from, and the volumes it has from the beginning, in their order.
func (c call) disks(s object, spec *vim.ComputeSpec) error {
	var mapping []object
	own := spec.Snapshot
	if own == "" {
		own = spec.Image
	}
	if own != "" {
		s["imageRef"] = own
		mapping = append(mapping, object{"boot_index": 0, "uuid": own, "source_type": "image", "destination_type": "local", "delete_on_termination": true})
	}
	boots := own != ""
	for _, v := range spec.Volumes {
		index := -1
		if v.Boot && !boots {
			index, boots = 0, true
		}
		mapping = append(mapping, object{"boot_index": index, "uuid": v.ID, "source_type": "volume", "destination_type": "volume", "delete_on_termination": false})
	}
	if !boots {
		return c.fail(message.Permanent, "neither an image nor a volume to boot from")
	}
	if len(spec.Volumes) > 0 {
		s["block_device_mapping_v2"] = mapping
	}
	return nil
}

// metadata is what stands in a server's metadata. Its marks are there, too: a server that no host could take has no tags for a moment,
// while Nova writes it elsewhere.
func metadata(spec *vim.ComputeSpec, x marks) map[string]string {
	m := map[string]string{}
	for k, v := range spec.Metadata {
		if !ours(k) {
			m[k] = v
		}
	}
	if spec.Snapshot != "" {
		m[keyOf], m[keyImage] = spec.Snapshot, spec.Image
	}
	return x.put(m)
}

// remove deletes a server for good. A cloud may keep one that was deleted for hours, which no list shows, and which holds its ports and
// volumes all the while.
func (servers) remove(ctx context.Context, c call, it *item) (bool, error) {
	at := "servers/" + escaped(it.ID)
	if gone, err := c.remove(ctx, compute, at); gone || err != nil {
		return gone, err
	}
	var out struct{ Server serverDoc }
	switch err := c.get(ctx, compute, at, nil, &out); {
	case vim.ClassOf(err) == message.NotFound:
		return true, nil
	case err != nil:
		return false, err
	case out.Server.Task != "soft-deleting" && out.Server.Status != "SOFT_DELETED":
		return false, nil
	}
	err := c.act(ctx, it.ID, object{"forceDelete": nil})
	switch vim.ClassOf(err) {
	case message.NotFound:
		return true, nil
	case message.Auth:
		return false, c.fail(message.Auth, "the cloud keeps servers that were deleted, and the project may not delete one for good: the policy os_compute_api:os-deferred-delete:force says who may")
	}
	return false, err
}

func (servers) rest(ctx context.Context, c call, t vim.Token, _ bool) error { return c.untrunk(ctx, t) }
