package openstack_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

func novaError(code int, kind, text string) refusal {
	return refusal{code, obj{kind: obj{"code": code, "message": text}}}
}

func badRequest(text string) refusal { return novaError(http.StatusBadRequest, "badRequest", text) }

// nova serves servers, server groups, flavours and zones.
func (f *fake) nova() {
	const at = "/compute/v2.1"
	f.on("GET "+at+"/os-availability-zone", http.StatusOK, func(*http.Request, obj) any {
		return obj{"availabilityZoneInfo": []obj{{"zoneName": "nova", "zoneState": obj{"available": true}, "hosts": nil}}}
	})
	f.on("GET "+at+"/flavors/detail", http.StatusOK, func(r *http.Request, _ obj) any {
		page, more := paged(f.tables["flavors"], r.URL.Query(), nil, func(obj) bool { return true })
		out := obj{"flavors": page}
		if more {
			out["flavors_links"] = []obj{{"rel": "next", "href": f.url}}
		}
		return out
	})
	f.on("GET "+at+"/os-server-groups", http.StatusOK, func(r *http.Request, _ obj) any {
		q := r.URL.Query()
		offset, _ := strconv.Atoi(q.Get("offset"))
		limit, _ := strconv.Atoi(q.Get("limit"))
		all := f.tables["groups"]
		all = all[min(offset, len(all)):]
		return obj{"server_groups": append([]obj{}, all[:min(limit, len(all))]...)}
	})
	f.on("GET "+at+"/os-server-groups/{id}", http.StatusOK, func(r *http.Request, _ obj) any {
		if g := f.row("groups", r.PathValue("id")); g != nil {
			return obj{"server_group": g}
		}
		return novaError(http.StatusNotFound, "itemNotFound", "Instance group "+r.PathValue("id")+" could not be found.")
	})
	f.on("POST "+at+"/os-server-groups", http.StatusOK, func(_ *http.Request, in obj) any {
		g := sub(in, "server_group")
		if len(str(g, "name")) > 255 || strings.TrimSpace(str(g, "name")) != str(g, "name") {
			return badRequest("Invalid input for field/attribute name. Value: " + str(g, "name") + ". is too long")
		}
		return obj{"server_group": f.add("groups", g)}
	})
	f.on("DELETE "+at+"/os-server-groups/{id}", http.StatusNoContent, func(r *http.Request, _ obj) any {
		if f.row("groups", r.PathValue("id")) == nil {
			return novaError(http.StatusNotFound, "itemNotFound", "Instance group could not be found.")
		}
		f.drop("groups", r.PathValue("id"))
		return nil
	})
	f.on("GET "+at+"/servers/detail", http.StatusOK, func(r *http.Request, _ obj) any {
		q := r.URL.Query()
		if f.astray("servers", q) {
			return badRequest("marker [" + q.Get("marker") + "] not found")
		}
		page, more := paged(f.tables["servers"], q, newest, func(o obj) bool {
			for _, tag := range strings.Split(q.Get("tags"), ",") {
				if tag != "" && !slices.Contains(list(o, "tags"), any(tag)) {
					return false
				}
			}
			return o["status"] != "SOFT_DELETED"
		})
		out := obj{"servers": append([]obj{}, page...)}
		if more {
			out["servers_links"] = []obj{{"rel": "next", "href": f.url}}
		}
		return out
	})
	f.server("GET "+at+"/servers/{id}", http.StatusOK, func(s, _ obj, _ *http.Request) any { return obj{"server": s} })
	f.on("POST "+at+"/servers", http.StatusAccepted, func(_ *http.Request, in obj) any { return f.boot(in) })
	f.server("PUT "+at+"/servers/{id}", http.StatusOK, func(s, in obj, _ *http.Request) any {
		s["name"] = sub(in, "server")["name"]
		return obj{"server": s}
	})
	f.server("PUT "+at+"/servers/{id}/metadata", http.StatusOK, func(s, in obj, _ *http.Request) any {
		for k := range sub(in, "metadata") {
			if len(k) > 255 {
				return badRequest("Invalid input for field/attribute metadata. Value: {'" + k + "'}. does not match any of the regexes")
			}
		}
		s["metadata"] = in["metadata"]
		return in
	})
	f.server("DELETE "+at+"/servers/{id}", http.StatusNoContent, func(s, _ obj, _ *http.Request) any {
		if f.deferred {
			s["OS-EXT-STS:task_state"] = "soft-deleting"
			f.later(func() { s["status"], s["OS-EXT-STS:task_state"] = "SOFT_DELETED", nil })
			return nil
		}
		f.destroy(s)
		return nil
	})
	f.server("POST "+at+"/servers/{id}/os-interface", http.StatusOK, func(s, in obj, _ *http.Request) any {
		p := f.row("ports", str(sub(in, "interfaceAttachment"), "port_id"))
		switch {
		case p == nil:
			return novaError(http.StatusNotFound, "itemNotFound", "Port id "+str(sub(in, "interfaceAttachment"), "port_id")+" could not be found.")
		case str(p, "device_id") != "":
			return novaError(http.StatusConflict, "conflictingRequest", "Port "+str(p, "id")+" is still in use.")
		}
		p["device_id"], p["device_owner"] = s["id"], "compute:nova"
		return obj{"interfaceAttachment": obj{"port_id": p["id"]}}
	})
	f.server("DELETE "+at+"/servers/{id}/os-interface/{port}", http.StatusAccepted, func(s, _ obj, r *http.Request) any {
		p := f.row("ports", r.PathValue("port"))
		if p == nil || p["device_id"] != s["id"] {
			return novaError(http.StatusNotFound, "itemNotFound", "Port id "+r.PathValue("port")+" could not be found.")
		}
		f.later(func() { p["device_id"], p["device_owner"] = "", "" })
		return nil
	})
	f.server("POST "+at+"/servers/{id}/os-volume_attachments", http.StatusOK, func(s, in obj, _ *http.Request) any {
		if no := f.hold(s, str(sub(in, "volumeAttachment"), "volumeId")); no != nil {
			return *no
		}
		return obj{"volumeAttachment": in["volumeAttachment"]}
	})
	f.server("DELETE "+at+"/servers/{id}/os-volume_attachments/{volume}", http.StatusAccepted, func(s, _ obj, r *http.Request) any {
		v := f.row("volumes", r.PathValue("volume"))
		if v == nil || v["server"] != s["id"] {
			return novaError(http.StatusNotFound, "itemNotFound", "Instance is not attached.")
		}
		if v["status"] == "detaching" {
			return badRequest("Invalid volume: Invalid input received: Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.")
		}
		v["status"] = "detaching"
		f.later(func() { f.unhold(s, v) })
		return nil
	})
	f.server("POST "+at+"/servers/{id}/action", http.StatusAccepted, f.act)
}

// server serves what is about one server.
func (f *fake) server(pattern string, code int, do func(s, in obj, r *http.Request) any) {
	f.on(pattern, code, func(r *http.Request, in obj) any {
		if s := f.row("servers", r.PathValue("id")); s != nil {
			return do(s, in, r)
		}
		return novaError(http.StatusNotFound, "itemNotFound", "Instance "+r.PathValue("id")+" could not be found.")
	})
}

// destroy lets a server go, with what it holds of others.
func (f *fake) destroy(s obj) {
	s["OS-EXT-STS:task_state"] = "deleting"
	f.later(func() {
		f.unplug(s)
		for _, v := range f.tables["volumes"] {
			if v["server"] == s["id"] {
				v["server"], v["status"] = nil, "available"
			}
		}
		f.drop("servers", str(s, "id"))
	})
}

// hold gives a server a volume.
func (f *fake) hold(s obj, id string) *refusal {
	v := f.row("volumes", id)
	switch {
	case v == nil:
		no := badRequest("Block Device Mapping is Invalid: failed to get volume " + id + ".")
		return &no
	case v["status"] != "available":
		no := badRequest("Invalid input received: Invalid volume: Volume " + id + " status must be available or downloading to reserve, but the current status is " + str(v, "status") + ".")
		return &no
	}
	v["status"], v["server"] = "in-use", s["id"]
	s["os-extended-volumes:volumes_attached"] = append(list(s, "os-extended-volumes:volumes_attached"), obj{"id": id, "delete_on_termination": false})
	return nil
}

// unplug takes its ports from a server.
func (f *fake) unplug(s obj) {
	for _, p := range f.tables["ports"] {
		if p["device_id"] == s["id"] {
			p["device_id"], p["device_owner"] = "", ""
		}
	}
}

func (f *fake) unhold(s, v obj) {
	v["status"], v["server"] = "available", nil
	s["os-extended-volumes:volumes_attached"] = slices.DeleteFunc(slices.Clone(list(s, "os-extended-volumes:volumes_attached")), func(x any) bool {
		o, _ := x.(obj)
		return o["id"] == v["id"]
	})
}

// boot begins to make a server.
func (f *fake) boot(in obj) any {
	want := sub(in, "server")
	if tags := list(want, "tags"); len(tags) > 50 || slices.ContainsFunc(tags, func(t any) bool { s, _ := t.(string); return len(s) > 60 }) {
		return badRequest("Invalid input for field/attribute tags.")
	}
	if want["networks"] == nil {
		return badRequest("Invalid input for field/attribute server. 'networks' is a required property")
	}
	flavour := f.row("flavors", str(want, "flavorRef"))
	if flavour == nil {
		return badRequest("Flavor " + str(want, "flavorRef") + " could not be found.")
	}
	s := obj{
		"name": want["name"], "status": "BUILD", "tags": want["tags"], "metadata": want["metadata"], "flavor": obj{"id": flavour["id"]}, "image": "",
		"OS-EXT-STS:task_state": "scheduling", "OS-EXT-STS:power_state": 0, "OS-EXT-AZ:availability_zone": "", "os-extended-volumes:volumes_attached": []any{},
		"group": sub(in, "os:scheduler_hints")["group"], "config_drive": want["config_drive"], "user_data": want["user_data"],
	}
	if ref := str(want, "imageRef"); ref != "" {
		if f.row("images", ref) == nil {
			return badRequest("Image " + ref + " could not be found.")
		}
		s["image"] = obj{"id": ref}
	}
	if g := str(s, "group"); g != "" && f.row("groups", g) == nil {
		return badRequest("Instance group " + g + " could not be found.")
	}
	nets, _ := want["networks"].([]any)
	for _, x := range nets {
		n, _ := x.(obj)
		p := f.row("ports", str(n, "port"))
		switch {
		case p == nil:
			return badRequest("Port id " + str(n, "port") + " could not be found.")
		case str(p, "device_id") != "":
			return novaError(http.StatusConflict, "conflictingRequest", "Port "+str(p, "id")+" is still in use.")
		}
	}
	f.add("servers", s)
	for _, x := range list(want, "block_device_mapping_v2") {
		if m, _ := x.(obj); m["source_type"] == "volume" {
			if no := f.hold(s, str(m, "uuid")); no != nil {
				f.drop("servers", str(s, "id"))
				return *no
			}
		}
	}
	binds := true
	for _, x := range nets {
		n, _ := x.(obj)
		p := f.row("ports", str(n, "port"))
		p["device_id"], p["device_owner"] = s["id"], "compute:nova"
		binds = binds && !strings.Contains(str(p, "name"), "bindfail")
	}
	f.later(func() {
		s["OS-EXT-STS:task_state"], s["OS-EXT-AZ:availability_zone"] = nil, "nova"
		switch {
		case flavour["name"] == "m1.huge":
			s["status"], s["fault"] = "ERROR", obj{"code": 500, "message": "No valid host was found. "}
			s["tags"] = []any{} // it is written to another cell, and its tags a moment later
			f.later(func() { s["tags"] = want["tags"] })
		case !binds:
			f.unplug(s)
			s["status"], s["fault"] = "ERROR", obj{"code": 500,
				"message": "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance " + str(s, "id") + "."}
		default:
			s["status"], s["OS-EXT-STS:power_state"] = "ACTIVE", 1
		}
	})
	return obj{"server": obj{"id": s["id"], "links": []any{}}}
}

// graceTicks is how long Nova gives a guest that does not stop.
const graceTicks = 6

// act does an action of a server.
func (f *fake) act(s, in obj, _ *http.Request) any {
	busy := s["OS-EXT-STS:task_state"] != nil
	for action, x := range in {
		want, _ := x.(obj)
		conflict := novaError(http.StatusConflict, "conflictingRequest", "Cannot '"+action+"' instance "+str(s, "id")+" while it is in task_state "+str(s, "OS-EXT-STS:task_state"))
		if action == "forceDelete" {
			f.destroy(s)
			return nil
		}
		if busy && action != "confirmResize" {
			return conflict
		}
		begin := func(task string, end func()) any {
			s["OS-EXT-STS:task_state"] = task
			f.later(func() { s["OS-EXT-STS:task_state"] = nil; end() })
			return nil
		}
		power := func(status string, state int) func() {
			return func() { s["status"], s["OS-EXT-STS:power_state"] = status, state }
		}
		was := str(s, "status")
		switch action {
		case "os-stop":
			if was != "ACTIVE" {
				return conflict
			}
			n := 0
			if f.deaf {
				n = graceTicks
			}
			s["OS-EXT-STS:task_state"] = "powering-off"
			var stop func()
			stop = func() {
				if n--; n >= 0 {
					f.later(stop)
					return
				}
				s["OS-EXT-STS:task_state"] = nil
				power("SHUTOFF", 4)()
			}
			f.later(stop)
			return nil
		case "os-start":
			if was != "SHUTOFF" {
				return conflict
			}
			return begin("powering-on", power("ACTIVE", 1))
		case "resize":
			fl := f.row("flavors", str(want, "flavorRef"))
			if fl == nil {
				return badRequest("Flavor could not be found.")
			}
			s["status"], s["before"] = "RESIZE", was
			return begin("resize_prep", func() { s["status"], s["flavor"] = "VERIFY_RESIZE", obj{"id": fl["id"]} })
		case "confirmResize":
			if was != "VERIFY_RESIZE" || s["confirming"] != nil {
				return badRequest("Instance has not been resized.")
			}
			s["confirming"] = true
			f.later(func() { f.later(func() { f.later(func() { s["status"], s["confirming"] = s["before"], nil }) }) }) // it takes its time
			return nil
		case "rebuild":
			if f.row("images", str(want, "imageRef")) == nil {
				return badRequest("Image could not be found.")
			}
			s["status"] = "REBUILD"
			return begin("rebuilding", func() { s["status"], s["image"] = was, obj{"id": want["imageRef"]} })
		case "createImage":
			img := obj{"name": want["name"], "status": "queued", "size": 0}
			for k, v := range sub(want, "metadata") {
				img[k] = v
			}
			f.add("images", img)
			s["OS-EXT-STS:task_state"] = "image_snapshot"
			f.later(func() { img["status"], s["OS-EXT-STS:task_state"] = "active", nil })
			return obj{"image_id": img["id"]}
		}
	}
	return badRequest("There is no such action: " + uuid.NewString())
}
