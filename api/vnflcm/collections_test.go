package vnflcm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api/rest"
	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// stacked is a reader of one view as often as it is asked for.
type stacked struct {
	eventstore.Reader
	view eventstore.View
}

func (s stacked) Views(_ context.Context, q eventstore.ViewQuery) ([]eventstore.View, error) {
	out := make([]eventstore.View, q.Limit)
	for i := range out {
		out[i] = s.view
		out[i].ID = fmt.Sprint(i)
	}
	return out, nil
}

// What a list shows without being asked for more is copied from the documents, in both versions: that is what a page costs little by.
// Seen failing with each attribute taken from what is copied.
func TestSummariesAreNotDecoded(t *testing.T) {
	in := &vnf.Instance{
		ID: "i", Name: "n", Description: "d", State: vnf.Instantiated, Info: &vnf.InstantiatedInfo{FlavourID: "f"},
		Connections: map[string]vnf.VimConnection{"c": {}},
	}
	op := &vnf.OpOcc{ID: "o", VnfID: "i", GrantID: "g", Operation: vnf.OpInstantiate, State: vnf.FailedTemp, Error: &vnf.Problem{}, Warnings: []string{"w"}}
	for _, c := range []struct {
		collection *rest.Collection
		view       eventstore.View
	}{{&vnfInstances, readmodel.InstanceView(in).View}, {&vnfLcmOpOccs, readmodel.OpOccView(op).View}} {
		for _, shape := range []*v1.Shape{nil, v1.VnfInstance, v1.VnfLcmOpOcc} {
			if shape != nil && (shape == v1.VnfInstance) != (c.collection == &vnfInstances) {
				continue
			}
			decoded := errors.New("a document is decoded")
			list := rest.Handler(func(call *rest.Call) (*rest.Answer, error) {
				return rest.List(call, c.collection, func([]eventstore.View) ([]*struct{}, error) { return nil, decoded })
			})
			if shape != nil {
				list = rest.InV1(list, shape, func(*rest.Call, v1.Pointers) error { return nil })
			}
			h := rest.New(rest.Config{Views: stacked{view: c.view}, Authenticate: access.Loopback, Log: slog.New(slog.DiscardHandler), PageSize: 100},
				rest.Area{Read: access.ReadLcm, Routes: map[string]rest.Route{"/vnflcm/v2/x": rest.Get(list, rest.ListQuery...)}})
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/vnflcm/v2/x", nil)
			r.RemoteAddr = "127.0.0.1:1"
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if rec.Code != 200 || strings.Count(rec.Body.String(), `"_links"`) != 100 {
				t.Errorf("%s (v1: %t): %d %.300s", c.collection.Kind, shape != nil, rec.Code, rec.Body)
			}
		}
	}
}

// TestWhatIsOfAnotherVnfdSaysSo: resources of a change of package that was given up name their VNFD, and only those do (SOL003 v3.7.1 §5.5.3.5 and its like). Seen failing
// without each of them.
func TestWhatIsOfAnotherVnfdSaysSo(t *testing.T) {
	in := &vnf.Instance{ID: "i", VnfdID: "d", State: vnf.Instantiated, Info: &vnf.InstantiatedInfo{
		Vnfcs: []vnf.Vnfc{{ID: "c1", VduID: "v"}, {ID: "c2", VduID: "v"}}, Storages: []vnf.Storage{{ID: "s1"}}, Links: []vnf.VirtualLink{{ID: "l1"}},
		ExtCps: []vnf.ExtCp{{ID: "e1", LinkPortID: "p1"}},
	}}
	for _, id := range []string{"c1", "s1", "l1", "p1"} {
		in.Resources = append(in.Resources, vnf.Resource{ID: id, VnfdID: "d2"})
	}
	in.Resources = append(in.Resources, vnf.Resource{ID: "c2", VnfdID: "d"})
	got := VnfInstance(in, "").InstantiatedVnfInfo
	for what, is := range map[string]string{
		"VNFC": got.VnfcResourceInfo[0].VnfdId, "vnfcInfo": got.VnfcInfo[0].VnfdId, "storage": got.VirtualStorageResourceInfo[0].VnfdId,
		"link": got.VnfVirtualLinkResourceInfo[0].VnfdId, "external CP": got.ExtCpInfo[0].VnfdId,
	} {
		if is != "d2" {
			t.Errorf("%s: %q", what, is)
		}
	}
	if got.VnfcResourceInfo[1].VnfdId != "" || got.VnfcInfo[1].VnfdId != "" {
		t.Error("one of the instance's VNFD names it")
	}
}
