package main

import (
	"slices"
	"strings"
	"testing"
)

// Seen failing with only the flags before the command looked at, and with only those behind it.
func TestSecretFlagsAreMasked(t *testing.T) {
	for text, want := range map[string]string{
		"vnfm --token=canary --server=s vnf list":                                      "vnfm --token=*** --server=s vnf list",
		"vnfm --token canary vnf list -o json":                                         "vnfm --token *** vnf list -o json",
		"vnfm vnf list --token canary --token=canary":                                  "vnfm vnf list --token *** --token=***",
		"vnfm --client-id i --client-secret canary op list":                            "vnfm --client-id i --client-secret *** op list",
		"vnfm subscription create u --user u --password canary":                        "vnfm subscription create u --user u --password ***",
		"vnfm subscription create u --callback-client-secret=canary":                   "vnfm subscription create u --callback-client-secret=***",
		"vnfm vim register v --access password=canary --access user=u --interface e=i": "vnfm vim register v --access *** --access *** --interface e=i",
		"vnfm vnf instantiate v --param=password=canary":                               "vnfm vnf instantiate v --param=***",
		"vnfm vnf operate v --param password=canary":                                   "vnfm vnf operate v --param ***",
		"vnfm vnf modify v --extension p=canary --property p=canary":                   "vnfm vnf modify v --extension *** --property ***",
		"vnfm vnf list": "vnfm vnf list",
		"vnfm --token":  "vnfm --token",
		"vnfm":          "vnfm",
		"vnfm vnf show --at -10m -- --token=it-is-a-name": "vnfm vnf show --at -10m -- --token=it-is-a-name",
	} {
		got, err := masked(strings.Fields(text))
		if err != nil || !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s is shown as %q: %v", text, got, err)
		}
	}
}
