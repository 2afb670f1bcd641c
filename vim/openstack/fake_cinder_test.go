package openstack_test

import (
	"net/http"
	"strings"
)

// cinder serves volumes.
func (f *fake) cinder() {
	const at = "/volume/v3/" + fakeProject + "/volumes"
	missing := func(id string) refusal {
		return novaError(http.StatusNotFound, "itemNotFound", "Volume "+id+" could not be found.")
	}
	f.on("GET "+at+"/detail", http.StatusOK, func(r *http.Request, _ obj) any {
		q := r.URL.Query()
		if f.astray("volumes", q) {
			return badRequest("marker [" + q.Get("marker") + "] not found")
		}
		key, value, _ := strings.Cut(strings.Trim(q.Get("metadata"), "{}"), ":")
		key, value = strings.Trim(key, "' "), strings.Trim(value, "' ")
		page, more := paged(f.tables["volumes"], q, newest, func(o obj) bool {
			return q.Get("metadata") == "" || str(sub(o, "metadata"), key) == value
		})
		out := obj{"volumes": append([]obj{}, page...)}
		if more {
			out["volumes_links"] = []obj{{"rel": "next", "href": f.url}}
		}
		return out
	})
	f.on("GET "+at+"/{id}", http.StatusOK, func(r *http.Request, _ obj) any {
		if v := f.row("volumes", r.PathValue("id")); v != nil {
			return obj{"volume": v}
		}
		return missing(r.PathValue("id"))
	})
	f.on("POST "+at, http.StatusAccepted, func(_ *http.Request, in obj) any {
		v := sub(in, "volume")
		if n, ok := f.quota["volume"]; ok && len(f.tables["volumes"]) >= n {
			return refusal{http.StatusRequestEntityTooLarge, obj{"overLimit": obj{"code": 413, "retryAfter": "0",
				"message": "VolumeLimitExceeded: Maximum number of volumes allowed (0) exceeded for quota 'volumes'."}}}
		}
		if src := str(v, "source_volid"); src != "" && f.row("volumes", src) == nil {
			return missing(src)
		}
		if v["availability_zone"] == nil {
			v["availability_zone"] = "nova"
		}
		if v["volume_type"] == nil {
			v["volume_type"] = "__DEFAULT__"
		}
		v["status"] = "creating"
		if ref := str(v, "imageRef"); ref != "" {
			v["volume_image_metadata"] = obj{"image_id": ref, "image_name": str(f.row("images", ref), "name")}
		}
		f.add("volumes", v)
		f.later(func() {
			v["status"] = "available"
			if strings.Contains(str(v, "name"), "volfail") {
				v["status"] = "error"
			}
		})
		return obj{"volume": v}
	})
	f.on("PUT "+at+"/{id}", http.StatusOK, func(r *http.Request, in obj) any {
		v := f.row("volumes", r.PathValue("id"))
		if v == nil {
			return missing(r.PathValue("id"))
		}
		for k, x := range sub(in, "volume") {
			v[k] = x
		}
		return obj{"volume": v}
	})
	f.on("POST "+at+"/{id}/action", http.StatusAccepted, func(r *http.Request, in obj) any {
		v := f.row("volumes", r.PathValue("id"))
		if v == nil {
			return missing(r.PathValue("id"))
		}
		size, was := num(sub(in, "os-extend"), "new_size"), v["status"]
		v["status"] = "extending"
		f.later(func() { v["status"], v["size"] = was, size })
		return nil
	})
	f.on("DELETE "+at+"/{id}", http.StatusAccepted, func(r *http.Request, _ obj) any {
		v := f.row("volumes", r.PathValue("id"))
		if v == nil {
			return missing(r.PathValue("id"))
		}
		if v["status"] == "in-use" || v["status"] == "detaching" {
			return badRequest("Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots or be disassociated from snapshots after volume transfer.")
		}
		v["status"] = "deleting"
		f.later(func() { f.drop("volumes", r.PathValue("id")) })
		return nil
	})
}
