package openstack_test

import (
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
)

// images is what Glance does with images that are made: it takes their content once, and deletes none that is protected.
func (f *fake) images() {
	f.on("POST /image/v2/images", http.StatusCreated, func(_ *http.Request, in obj) any {
		o := obj{"status": "queued", "size": 0, "owner": fakeProject, "tags": []any{}, "protected": false}
		maps.Copy(o, in)
		return f.add("images", o)
	})
	f.on("POST /compute/v2.1/flavors", http.StatusOK, func(_ *http.Request, in obj) any {
		want := sub(in, "flavor")
		if f.row("flavors", str(want, "id")) != nil {
			return novaError(http.StatusConflict, "conflictingRequest", "Flavor with ID "+str(want, "id")+" already exists.")
		}
		id := want["id"]
		o := f.add("flavors", maps.Clone(want))
		o["id"] = id
		return obj{"flavor": o}
	})
	f.on("DELETE /compute/v2.1/flavors/{id}", http.StatusAccepted, func(r *http.Request, _ obj) any {
		f.drop("flavors", r.PathValue("id"))
		return nil
	})
	f.on("GET /compute/v2.1/flavors/{id}", http.StatusOK, func(r *http.Request, _ obj) any {
		if o := f.row("flavors", r.PathValue("id")); o != nil {
			return obj{"flavor": o}
		}
		return novaError(http.StatusNotFound, "itemNotFound", "Flavor "+r.PathValue("id")+" could not be found.")
	})
	// these two have no JSON object as their body
	f.raw("PATCH /image/v2/images/{id}", func(w http.ResponseWriter, r *http.Request, o obj) {
		var ops []struct {
			Op, Path string
			Value    any
		}
		if json.NewDecoder(r.Body).Decode(&ops) != nil || r.Header.Get("Content-Type") != "application/openstack-images-v2.1-json-patch" {
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
		for _, x := range ops {
			name := strings.TrimPrefix(x.Path, "/")
			if _, there := o[name]; !there && x.Op != "add" {
				w.WriteHeader(http.StatusConflict)
				return
			}
			if o[name] = x.Value; x.Op == "remove" {
				delete(o, name)
			}
		}
		_ = json.NewEncoder(w).Encode(o)
	})
	f.mux.HandleFunc("PUT /image/v2/images/{id}/file", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		o := f.row("images", r.PathValue("id"))
		if o == nil || o["status"] != "queued" {
			f.mu.Unlock()
			w.WriteHeader(http.StatusConflict)
			return
		}
		o["status"] = "saving"
		f.mu.Unlock()
		all, err := io.ReadAll(r.Body)
		f.mu.Lock()
		defer f.mu.Unlock()
		if o["status"] != "saving" { // somebody has changed the image meanwhile, and written its old status with it
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if o["status"] = "queued"; err != nil || o["stored"] == true {
			w.WriteHeader(http.StatusInternalServerError) // a file store takes nothing more under an id of which it has something
			return
		}
		sum := sha512.Sum512(all)
		o["status"], o["size"], o["os_hash_algo"], o["os_hash_value"] = "active", len(all), "sha512", hex.EncodeToString(sum[:])
		w.WriteHeader(http.StatusNoContent)
	})
}

func (f *fake) raw(pattern string, do func(w http.ResponseWriter, r *http.Request, o obj)) {
	f.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		o := f.row("images", r.PathValue("id"))
		if o == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		do(w, r, o)
	})
}
