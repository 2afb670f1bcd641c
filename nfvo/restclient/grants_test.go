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

// TestAnOlderOrchestrator is asked in the newest version that it serves: for others it answers 406 (SOL013 v3.7.1 §9.2). Seen failing
// with the grant refused.
func TestAnOlderOrchestrator(t *testing.T) {
	for serves, want := range map[string]string{
		`1.0.0,1.4.0,1.3.1`:          "1.4.0",
		`1.4.0-impl:example:7,2.0.0`: "1.4.0",
		`1.9.0,1.8.0`:                "1.8.0",
		`1.7.0,1.9.0`:                "1.7.0",
		`2.0.0`:                      "",
		`nonsense`:                   "",
	} {
		t.Run(serves, func(t *testing.T) {
			var asked []string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				v := r.Header.Get("Version")
				w.Header().Set("Content-Type", "application/json")
				switch {
				case strings.HasSuffix(r.URL.Path, "/api_versions"):
					var all []string
					for x := range strings.SplitSeq(serves, ",") {
						all = append(all, `{"version":"`+x+`"}`)
					}
					_, _ = io.WriteString(w, `{"uriPrefix":"/grant/v1","apiVersions":[`+strings.Join(all, ",")+`]}`)
				case v != want:
					asked = append(asked, v)
					w.WriteHeader(http.StatusNotAcceptable)
				default:
					asked = append(asked, v)
					w.Header().Set("Location", "/grant/v1/grants/g")
					w.WriteHeader(http.StatusCreated)
					_, _ = io.WriteString(w, `{"id":"g","vnfInstanceId":"v","vnfLcmOpOccId":"o","_links":{}}`)
				}
			}))
			t.Cleanup(srv.Close)
			out := egress.New(egress.Config{AllowLocal: true, AllowPlain: true})
			t.Cleanup(out.Close)
			c := restclient.New(restclient.Config{URL: srv.URL, Client: out, Bulk: out})
			for range 2 { // what was found out is remembered
				_, err := c.Ask(t.Context(), []byte(`{}`))
				var e *nfvo.Error
				if want == "" && (!errors.As(err, &e) || e.Status != http.StatusNotAcceptable) || want != "" && err != nil {
					t.Fatalf("%v, asked for %v", err, asked)
				}
			}
			if n := map[string]int{"": 2, "1.7.0": 2}[want]; n == 0 && len(asked) != 3 || n > 0 && len(asked) != n {
				t.Errorf("asked for %v", asked)
			}
		})
	}
}
