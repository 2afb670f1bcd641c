package client_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/sol"
)

// Every request is there as a curl command, and no secret is in it: credentials in headers, URLs and bodies, and whatever a VNFD may call
// secret. Seen failing with the body written as it is.
func TestTraceShowsRequestsWithoutSecrets(t *testing.T) {
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/vnflcm/v2/vnf_lcm_op_occs/o")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte("{}"))
	}))
	defer ts.Close()
	var out strings.Builder
	c, err := client.New(client.Config{Server: ts.URL, Token: "canary-token", HTTP: &http.Client{Transport: &client.Trace{W: &out}}})
	if err != nil {
		t.Fatal(err)
	}
	secret := sol.KeyValuePairs{"k": json.RawMessage(`"canary"`), "n": json.RawMessage(`{"deep":["canary",7]}`)}
	calls := []func() error{
		func() error {
			_, err := c.RegisterVim(t.Context(), map[string]any{
				"id": "v", "accessInfo": secret, "interfaceInfo": map[string]string{"endpoint": "https://user:canary@vim.example/it's"},
			})
			return err
		},
		func() error {
			_, err := c.Instantiate(t.Context(), "v", sol.InstantiateVnfRequest{
				FlavourId: "simple", AdditionalParams: secret, Extensions: secret, VnfConfigurableProperties: secret,
			})
			return err
		},
		func() error {
			return c.FetchPackage(t.Context(), "p", sol.UploadVnfPackageFromUriRequest{AddressInformation: "https://u:canary@x/y", UserName: "u", Password: "canary"})
		},
		func() error {
			_, err := c.Subscribe(t.Context(), sol.LccnSubscriptionRequest{CallbackUri: "https://x", Authentication: &sol.SubscriptionAuthentication{
				ParamsBasic:                   &sol.ParamsBasic{UserName: "canary", Password: "canary"},
				ParamsOauth2ClientCredentials: &sol.ParamsOauth2ClientCredentials{ClientId: "canary", ClientPassword: "canary", TokenEndpoint: "https://t"},
			}})
			return err
		},
	}
	for i, call := range calls {
		if err := call(); err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	got := out.String()
	if strings.Contains(got, "canary") {
		t.Errorf("a secret is shown:\n%s", got)
	}
	for _, want := range []string{
		"curl -X POST '" + ts.URL + "/vnfm/v1/vims'", "-H 'Authorization: Bearer ***'", "-H 'Idempotency-Key: ", `"flavourId":"simple"`, `"k":"***"`, `it'\''s`, "# 202 Accepted in ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "curl "); n != len(calls) {
		t.Errorf("%d requests are shown, want %d", n, len(calls))
	}
}
