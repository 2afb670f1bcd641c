package restclient_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/nfvo/restclient"
)

// Numbers of addresses that are added up stay what they are: one that makes the sum wrap is refused. Seen failing with 5
// addresses granted.
func TestNumbersOfAGrantDoNotWrap(t *testing.T) {
	var body string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Location", "/grant/v1/grants/g")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	out := egress.New(egress.Config{AllowLocal: true, AllowPlain: true})
	t.Cleanup(out.Close)
	c := restclient.New(restclient.Config{URL: srv.URL + "/", Client: out, Bulk: out})
	for numbers, want := range map[string]int{ // -1: refused
		"1": 1, "2,3": 5, "9223372036854775807,9223372036854775807,7": -1, "-1,6": -1, "2147483648": -1, "9223372036854775808": -1, "1e1": -1,
	} {
		var ips []string
		for n := range strings.SplitSeq(numbers, ",") {
			ips = append(ips, fmt.Sprintf(`{"type":"IPV4","numDynamicAddresses":%s}`, n))
		}
		body = `{"id":"g","vnfInstanceId":"v","vnfLcmOpOccId":"o","extVirtualLinks":[{"id":"e","resourceId":"n","extCps":[{"cpdId":"c","cpConfig":{"k":{
			"cpProtocolData":[{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":{"ipAddresses":[` + strings.Join(ips, ",") + `]}}]}}}]}],"_links":{}}`
		a, err := c.Ask(t.Context(), []byte(`{}`))
		if e := (*nfvo.Error)(nil); want < 0 && !errors.As(err, &e) || want >= 0 && err != nil {
			t.Errorf("%s: %v", numbers, err)
		} else if want >= 0 && a.Grant.ExtLinks[0].Cps[0].Config["k"].Wanted() != want {
			t.Errorf("%s: %+v", numbers, a.Grant)
		}
	}
}
