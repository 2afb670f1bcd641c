package nfvotest

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// pkg is a package of the orchestrator.
type pkg struct {
	id, state string
	content   []byte
	sum       string
	d         *vnfd.Descriptor
}

// maxContent bounds a package.
const maxContent = 1 << 30

// Onboard takes a package and tells the subscribers. One with the same vnfdId is replaced.
func (n *NFVO) Onboard(content []byte) (vnfdID string, err error) {
	p, err := csar.Open(bytes.NewReader(content), int64(len(content)), csar.Options{})
	if err != nil {
		return "", fmt.Errorf("read the package: %w", err)
	}
	sum := sha256.Sum256(content)
	x := &pkg{id: uuid.NewString(), state: "ENABLED", content: content, sum: hex.EncodeToString(sum[:]), d: p.Descriptor}
	n.mu.Lock()
	n.packages[x.d.ID] = x
	n.mu.Unlock()
	n.tell(x, sol.VnfPackageOnboarding, "")
	return x.d.ID, nil
}

// SetState enables or disables a package (ENABLED, DISABLED) and tells the subscribers.
func (n *NFVO) SetState(vnfdID, state string) bool {
	n.mu.Lock()
	x := n.packages[vnfdID]
	if x != nil {
		x.state = state
	}
	n.mu.Unlock()
	if x != nil {
		n.tell(x, sol.VnfPackageChange, "OP_STATE_CHANGE")
	}
	return x != nil
}

// Delete deletes a package and tells the subscribers.
func (n *NFVO) Delete(vnfdID string) bool {
	n.mu.Lock()
	x := n.packages[vnfdID]
	delete(n.packages, vnfdID)
	n.mu.Unlock()
	if x != nil {
		n.tell(x, sol.VnfPackageChange, "PKG_DELETE")
	}
	return x != nil
}

// BreakDownloads breaks the next downloads off in their middle.
func (n *NFVO) BreakDownloads(times int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts = times
}

func (n *NFVO) descriptor(vnfdID string) *vnfd.Descriptor {
	n.mu.Lock()
	x := n.packages[vnfdID]
	n.mu.Unlock()
	if x != nil {
		return x.d
	}
	if n.cfg.Descriptor != nil {
		return n.cfg.Descriptor(vnfdID)
	}
	return nil
}

// tell sends a notification to every subscriber. One that does not take it hears no more of it.
func (n *NFVO) tell(x *pkg, kind, change string) {
	n.mu.Lock()
	subs := make([]sol.PkgmSubscription, 0, len(n.subs))
	for _, s := range n.subs {
		if s.Filter == nil || len(s.Filter.NotificationTypes) == 0 || slices.Contains(s.Filter.NotificationTypes, kind) {
			subs = append(subs, s)
		}
	}
	n.mu.Unlock()
	for _, s := range subs {
		base, _, _ := strings.Cut(s.Links.Self.Href, "/vnfpkgm/")
		note := sol.VnfPackageNotification{
			Id: uuid.NewString(), NotificationType: kind, SubscriptionId: s.Id, TimeStamp: time.Now().UTC(), VnfPkgId: x.id, VnfdId: x.d.ID, ChangeType: change,
			Links: sol.PkgmLinks{
				VnfPackage:         sol.Link{Href: base + "/vnfpkgm/v2/vnf_packages/" + x.id},
				VnfPackageByVnfdId: sol.Link{Href: base + "/vnfpkgm/v2/onboarded_vnf_packages/" + x.d.ID}, Subscription: s.Links.Self,
			},
		}
		if change == "OP_STATE_CHANGE" {
			note.OperationalState = x.state
		}
		if kind == sol.VnfPackageOnboarding {
			note.VnfmInfo = []string{"vnfm"}
		}
		b, err := json.Marshal(note)
		if err != nil {
			continue
		}
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.CallbackUri, bytes.NewReader(b))
		if err != nil {
			continue
		}
		req.Header.Set("Content-Type", "application/json")
		if res, err := n.cfg.Client.Do(req); err == nil {
			_ = res.Body.Close()
		}
	}
}

func (x *pkg) info(base string) sol.VnfPkgInfo {
	self := base + "/vnfpkgm/v2/onboarded_vnf_packages/" + x.d.ID
	return sol.VnfPkgInfo{
		Id: x.id, VnfdId: x.d.ID, VnfProvider: x.d.Provider, VnfProductName: x.d.ProductName, VnfSoftwareVersion: x.d.SoftwareVersion,
		VnfdVersion: x.d.Version, Checksum: "sha-256:" + x.sum, OnboardingState: "ONBOARDED", OperationalState: x.state, UsageState: "NOT_IN_USE",
		VnfmInfo: []string{"vnfm"},
		Links:    sol.VnfPkgInfoLinks{Self: sol.Link{Href: self}, PackageContent: sol.Link{Href: self + "/package_content"}},
	}
}

func (n *NFVO) listPackages(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	out := []sol.VnfPkgInfo{}
	for _, x := range n.packages {
		out = append(out, x.info(root(r)))
	}
	n.mu.Unlock()
	slices.SortFunc(out, func(a, b sol.VnfPkgInfo) int { return strings.Compare(a.Id, b.Id) })
	const page = 2 // small, so that whoever lists must go on
	from := 0
	if m := r.URL.Query().Get("nextpage_opaque_marker"); m != "" {
		from = slices.IndexFunc(out, func(p sol.VnfPkgInfo) bool { return p.Id > m })
		if from < 0 {
			from = len(out)
		}
	}
	out = out[from:]
	if len(out) > page {
		out = out[:page]
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?nextpage_opaque_marker=%s>; rel="next"`, root(r), r.URL.Path, out[page-1].Id))
	}
	answer(w, http.StatusOK, out)
}

// of returns the package of a request, nil when it was answered that there is none.
func (n *NFVO) of(w http.ResponseWriter, r *http.Request) *pkg {
	n.mu.Lock()
	x := n.packages[r.PathValue("vnfdId")]
	n.mu.Unlock()
	if x == nil {
		refuse(w, http.StatusNotFound, "there is no such package")
	}
	return x
}

func (n *NFVO) showPackage(w http.ResponseWriter, r *http.Request) {
	if x := n.of(w, r); x != nil {
		n.mu.Lock()
		info := x.info(root(r))
		n.mu.Unlock()
		answer(w, http.StatusOK, info)
	}
}

func (n *NFVO) content(w http.ResponseWriter, r *http.Request) {
	x := n.of(w, r)
	if x == nil {
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("ETag", `"`+x.sum+`"`)
	n.mu.Lock()
	cut := n.cuts > 0
	if cut {
		n.cuts--
	}
	n.mu.Unlock()
	if cut {
		w = &cutter{w, len(x.content) / 4}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(x.content))
}

// cutter breaks the connection once some bytes are written.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		_, _ = c.ResponseWriter.Write(p[:max(0, len(p)+c.left)])
		if f, ok := c.ResponseWriter.(http.Flusher); ok {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	return c.ResponseWriter.Write(p)
}

// vnfd serves the files of the descriptor.
func (n *NFVO) vnfd(w http.ResponseWriter, r *http.Request) {
	x := n.of(w, r)
	if x == nil {
		return
	}
	in, err := zip.NewReader(bytes.NewReader(x.content), int64(len(x.content)))
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		if strings.HasPrefix(f.Name, "TOSCA-Metadata/") || strings.HasSuffix(f.Name, ".yaml") {
			if err := out.Copy(f); err != nil {
				refuse(w, http.StatusInternalServerError, err.Error())
				return
			}
		}
	}
	_ = out.Close() // into memory
	w.Header().Set("Content-Type", "application/zip")
	_, _ = w.Write(b.Bytes())
}

func (n *NFVO) artifact(w http.ResponseWriter, r *http.Request) {
	x := n.of(w, r)
	if x == nil {
		return
	}
	in, err := zip.NewReader(bytes.NewReader(x.content), int64(len(x.content)))
	if err == nil {
		var f io.ReadCloser
		if f, err = in.Open(r.PathValue("path")); err == nil {
			defer func() { _ = f.Close() }()
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = io.Copy(w, f)
			return
		}
	}
	refuse(w, http.StatusNotFound, "there is no such artifact")
}

func (n *NFVO) listSubscriptions(w http.ResponseWriter, _ *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := []sol.PkgmSubscription{}
	for _, s := range n.subs {
		out = append(out, s)
	}
	answer(w, http.StatusOK, out)
}

// subscribe tests the callback first (SOL003 v3.7.1 §10.4.9.3.2).
func (n *NFVO) subscribe(w http.ResponseWriter, r *http.Request) {
	var req sol.PkgmSubscriptionRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	test, err := http.NewRequestWithContext(r.Context(), http.MethodGet, req.CallbackUri, nil)
	if err == nil {
		var res *http.Response
		if res, err = n.cfg.Client.Do(test); err == nil {
			_ = res.Body.Close()
			if res.StatusCode != http.StatusNoContent {
				err = fmt.Errorf("it answered %d", res.StatusCode)
			}
		}
	}
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, "the callback URI cannot be used: "+err.Error())
		return
	}
	s := sol.PkgmSubscription{Id: uuid.NewString(), Filter: req.Filter, CallbackUri: req.CallbackUri}
	s.Links.Self.Href = root(r) + "/vnfpkgm/v2/subscriptions/" + s.Id
	n.mu.Lock()
	n.subs[s.Id] = s
	n.mu.Unlock()
	w.Header().Set("Location", s.Links.Self.Href)
	answer(w, http.StatusCreated, s)
}

func (n *NFVO) unsubscribe(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	delete(n.subs, r.PathValue("id"))
	n.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func (n *NFVO) putPackage(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(io.LimitReader(r.Body, maxContent))
	if err != nil {
		return
	}
	id, err := n.Onboard(b)
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	answer(w, http.StatusCreated, map[string]string{"vnfdId": id})
}

func (n *NFVO) putState(w http.ResponseWriter, r *http.Request) {
	var body struct {
		State string `json:"operationalState"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.State != "ENABLED" && body.State != "DISABLED" {
		refuse(w, http.StatusBadRequest, "operationalState is ENABLED or DISABLED")
		return
	}
	n.done(w, n.SetState(r.PathValue("vnfdId"), body.State))
}

func (n *NFVO) deletePackage(w http.ResponseWriter, r *http.Request) {
	n.done(w, n.Delete(r.PathValue("vnfdId")))
}

func (n *NFVO) done(w http.ResponseWriter, there bool) {
	if !there {
		refuse(w, http.StatusNotFound, "there is no such package")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
