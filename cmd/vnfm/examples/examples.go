// Package examples has the examples in the helps of commands that say nothing else beside what their flags say.
package examples

import (
	"strings"

	"github.com/alecthomas/kong"
)

// of is command lines by command, without the program's name.
var of = map[string][]string{
	"package fetch":        {"https://repo.example/firewall.csar", "https://repo.example/firewall.csar --user me --password @password.txt"},
	"package list":         {"", "-o wide"},
	"package show":         {`"Sample Firewall"`, "5c1d -o json"},
	"package history":      {`"Sample Firewall"`},
	"package content":      {`"Sample Firewall" firewall.csar`},
	"package vnfd":         {`"Sample Firewall" vnfd.zip`},
	"package manifest":     {`"Sample Firewall"`},
	"package artifacts":    {`"Sample Firewall" artifacts.zip`},
	"package artifact":     {`"Sample Firewall" ChangeLog.txt`},
	"package enable":       {`"Sample Firewall"`},
	"package disable":      {`"Sample Firewall"`},
	"package delete":       {`"Sample Firewall" --yes`},
	"vnf create":           {`--vnfd "Sample Firewall" --name fw1`},
	"vnf drift":            {"fw1", "fw1 fw2 -o json"},
	"vnf flavour":          {"fw1 --to redundant --dry-run", "fw1 --to redundant"},
	"vnf upgrade":          {"fw1 --to 5c1d4a3e-7b1f-4c55-9a52-0f6d7e1a2b31 --batch 1"},
	"vnf connect":          {"fw1 --link network=outside-b,cpd=gateway_outside,config=first", "fw1 --disconnect gateway_outside/first"},
	"vnf events":           {"fw1"},
	"vnf history":          {"fw1", "fw1 --at -10m", "fw1 --at 12"},
	"vnf diff":             {"fw1 --from 3 --to 5", "fw1 --from -1h"},
	"op show":              {"fw1", "019adf2e -o json"},
	"op watch":             {"fw1"},
	"op saga":              {"fw1", "019adf2e -o json"},
	"op grant":             {"fw1"},
	"op history":           {"fw1 --at -10m"},
	"op diff":              {"fw1 --from 1"},
	"op retry":             {"fw1", "fw1 --no-wait"},
	"op rollback":          {"fw1"},
	"op fail":              {"fw1"},
	"snapshot list":        {""},
	"snapshot show":        {"038290be"},
	"snapshot delete":      {"038290be --yes"},
	"sim inventory":        {"--vnf fw1"},
	"sim behaviour":        {"", `--set '{"seed":1,"delay":"1s","rules":[{"on":"configure","outcome":"permanent","times":1}]}'`},
	"sim tamper":           {`sim-1 compute-bc146cdf-9e3b-5d68-bca9-d8899cc3f833 --change '{"compute": {"power": "off"}}'`, "sim-1 port-b8d058a6-0ec1-5249-8897-7f30ac0d73ec --gone"},
	"vim list":             {""},
	"vim show":             {"sim-1"},
	"vim register":         {"site-b --type ETSINFV.OPENSTACK_KEYSTONE.V_3 --interface endpoint=https://keystone.b/v3 --access username=vnfm --access password=@password.txt"},
	"vim update":           {"site-b --access password=@password.new", "site-b --no-default --disable"},
	"vim delete":           {"site-b --yes"},
	"vim check":            {"site-b"},
	"management list":      {""},
	"management show":      {"em"},
	"management register":  {"em --endpoint MGMT --uri https://em.example --user vnfm --password @password.txt --provider vnfm"},
	"management update":    {"em --password @password.new"},
	"management check":     {"em", "em --vnf fw1"},
	"management delete":    {"em --yes"},
	"subscription create":  {"https://nfvo.example/notifications"},
	"subscription list":    {""},
	"subscription show":    {"1e2a"},
	"subscription delete":  {"1e2a --yes"},
	"notification list":    {"", "--state FAILED"},
	"notification retry":   {"7c04", "--subscription 1e2a"},
	"notification receive": {"--listen 127.0.0.1:9999"},
	"events tail":          {"", "--vnf fw1 --since -5m"},
	"audit all":            {"", "--no-chain"},
	"audit verify":         {""},
	"audit denials":        {""},
	"cluster log-level":    {"", "debug --for 10m", "info"},
	"cluster status":       {""},
	"parked list":          {""},
	"parked show":          {"9b1f"},
	"parked retry":         {"9b1f"},
	"parked skip":          {`9b1f --reason "of a VNF that is gone"`},
	"ui":                   {"", "fw1"},
	"config list":          {""},
	"config use":           {"lab"},
	"config show":          {"lab"},
	"config delete":        {"lab"},
	"completion":           {"bash", "zsh"},
	"version":              {""},
}

// Add gives each command of a command line its examples, behind what its help says; those that have some keep theirs.
func Add(k *kong.Kong) {
	for _, leaf := range k.Model.Leaves(false) {
		name, _, _ := strings.Cut(leaf.Path(), " (")
		lines := of[name]
		if len(lines) == 0 || strings.Contains(leaf.Detail, "Examples:\n") {
			continue
		}
		text := "Examples:"
		for _, line := range lines {
			text += "\n  " + strings.TrimSpace("vnfm "+name+" "+line)
		}
		if leaf.Detail != "" {
			text = leaf.Detail + "\n\n" + text
		}
		leaf.Detail = text
	}
}
