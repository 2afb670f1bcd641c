package config_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/vnfd"
)

//go:generate go test -run TestReference -update

var update = flag.Bool("update", false, "write the generated reference")

func TestReference(t *testing.T) {
	for page, write := range map[string]func(io.Writer) error{
		"../docs/reference/config.md": config.Reference,
		"../docs/reference/limits.md": config.LimitsPage,
	} {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(page)
		if err != nil || string(got) != b.String() {
			t.Errorf("%s is not what the settings are (%v): run go generate ./config", page, err)
		}
	}
}

// Every limit of packages is a setting by the name that errors give, with the default that the reader has without settings.
func TestLimitsOfPackagesAreSettings(t *testing.T) {
	c, err := parse(t, "package:\n  max-files: 7\n", "--package-max-name-depth=3")
	if err != nil {
		t.Fatal(err)
	}
	want := vnfd.Limits{}.WithDefaults()
	want.Files, want.NameDepth = 7, 3
	if c.Package.Limits != want {
		t.Errorf("%+v, want %+v", c.Package.Limits, want)
	}
	var b strings.Builder
	if err := config.LimitsPage(&b); err != nil {
		t.Fatal(err)
	}
	if n := reflect.TypeFor[vnfd.Limits]().NumField(); strings.Count(b.String(), "`package-max-") != n+1 { // and package-max-bytes
		t.Errorf("the page does not have all %d limits", n)
	}
	for _, args := range [][]string{{"--package-max-files=0"}, {"--package-max-steps=-1"}, {"--max-vnfcs-per-vnf=0"}, {"--max-resources-per-operation=0"}, {"--package-timeout=0s"}, {"--package-fetches=0"}, {"--package-fetch-timeout=0s"}, {"--package-fetch-attempts=0"}, {"--package-signatures=require"}} {
		name, _, _ := strings.Cut(strings.TrimPrefix(args[0], "--"), "=")
		if _, err := parse(t, "", args...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// Kafka Connect captures what is in PostgreSQL, for Kafka.
func TestPublish(t *testing.T) {
	for args, want := range map[string]string{
		"--publish=cdc": "publish: cdc needs", "--publish=cdc --bus=kafka://b:1": "publish: cdc needs", "--publish=cdc --database=postgres://d/v": "publish: cdc needs",
		"--publish=cdc --bus=kafka://b:1 --database=postgres://d/v": "", "--publish=push": "--publish", "--publish-name=Two-Words": "publish-name:",
	} {
		_, err := parse(t, "", strings.Fields(args)...)
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

// parse reads settings as vnfmd does, from a file and flags.
func parse(t *testing.T, file string, args ...string) (*config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vnfm.yaml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := config.File(path)
	if err != nil {
		return nil, err
	}
	var c config.Config
	k, err := kong.New(&c, kong.DefaultEnvars(config.EnvPrefix), kong.Resolvers(r))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse(args); err != nil {
		return nil, err
	}
	return &c, c.Validate()
}

func TestPrecedence(t *testing.T) {
	t.Setenv("VNFM_VIM_WORKERS", "7")
	c, err := parse(t, "vim:\n  workers: 5\n  quarantine: 9s\nlog-level: debug\noperation:\n  on-failure: {INSTANTIATE: hold}\n", "--log-level=warn")
	if err != nil {
		t.Fatal(err)
	}
	if c.Vim.Workers != 7 || c.Vim.Quarantine.String() != "9s" || c.Log.Level != "warn" || c.Operation.OnFailure["INSTANTIATE"] != "hold" {
		t.Errorf("workers %d (env), quarantine %v (file), level %s (flag), on-failure %v", c.Vim.Workers, c.Vim.Quarantine, c.Log.Level, c.Operation.OnFailure)
	}
	if c.Listen != "127.0.0.1:8080" {
		t.Errorf("listen %q, want the default", c.Listen)
	}
}

func TestUnknownKeysAreAllReported(t *testing.T) {
	_, err := parse(t, "listne: x\nvim:\n  wrokers: 5\n")
	if err == nil || !strings.Contains(err.Error(), `:1: there is no setting "listne"`) || !strings.Contains(err.Error(), `:3: there is no setting "vim-wrokers"`) {
		t.Fatalf("got %v", err)
	}
}

// What is no number is no rate: VIMs would be called never.
func TestNoNumberIsARate(t *testing.T) {
	for _, name := range []string{"vim-rate", "http-rate", "trace-ratio"} {
		if _, err := parse(t, "", "--"+name+"=NaN"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateReportsEverything(t *testing.T) {
	_, err := parse(t, "", "--listen=0.0.0.0:80", "--database=mysql://x", "--vim-workers=0", "--lane-lease=0s", "--operation-graceful-limit=0s", "--operation-addresses=0",
		"--operation-window=0", "--max-vnfcs-per-vnf=0", "--max-resources-per-operation=-1", "--max-plans-at-once=0", "--package-max-bytes=0", "--package-max-node-templates=0", "--operation-on-failure=TERMINATE=rollback")
	if err == nil {
		t.Fatal("nothing reported")
	}
	for _, want := range []string{"not loopback", "postgres://", "vim-workers", "lane-lease", "operation-graceful-limit", "operation-addresses", "operation-window: 0",
		"max-vnfcs-per-vnf: 0", "max-resources-per-operation: -1", "max-plans-at-once: 0", "package-max-bytes: 0", "package-max-node-templates: 0", "TERMINATE is never"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}

// A limit that is exceeded is named by its setting: the defaults of the packages that keep the limits are those of the settings,
// and a file sets them.
func TestLimits(t *testing.T) {
	c, err := parse(t, "package: {max-values: 7}\nmax:\n  vnfcs-per-vnf: 8\n  resources-per-operation: 9\noperation: {window: 10}\n")
	if err != nil {
		t.Fatal(err)
	}
	want := vnfd.Limits{Values: 7}.WithDefaults()
	if c.Package.Limits != want || c.Max.VnfcsPerVnf != 8 || c.Max.ResourcesPerOperation != 9 || c.Operation.Window != 10 {
		t.Errorf("%+v, want %+v; %+v, %d", c.Package.Limits, want, c.Max, c.Operation.Window)
	}
	var b strings.Builder
	if err := config.Reference(&b); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{vnfd.LimitVnfcs, vnfd.LimitResources} {
		if !strings.Contains(b.String(), "| `"+name+"` |") {
			t.Errorf("there is no setting %s", name)
		}
	}
}

func TestVimDatabase(t *testing.T) {
	for _, good := range []string{"", "sqlite:vims.db", "postgres://u@127.0.0.1/vims", "postgresql:///vims"} {
		if _, err := parse(t, "", "--vim-database="+good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"vims.db", "sqlite:", "sqlite:../vims.db", "sqlite:a/b", "sqlite:.", "sqlite:..", "sqlite:vnfm.db", "mysql://x", "postgres://u@127.0.0.1/x"} {
		if _, err := parse(t, "", "--database=postgres://u@127.0.0.1/x", "--vim-database="+bad); err == nil || !strings.Contains(err.Error(), "vim-database") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestValidateAccess(t *testing.T) {
	open := "--listen=0.0.0.0:80"
	token := func(content string) string {
		name := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	mtls := []string{"--tls-cert-file=c", "--tls-key-file=k", "--tls-client-ca-file=a", "--tls-client-auth=accept"}
	for _, c := range []struct {
		args []string
		want string // in the error; empty: none
	}{
		{[]string{open}, "not loopback"},
		{[]string{open, "--api-token=twelve chars"}, ""},
		{[]string{open, "--auth-issuer=https://idp.example"}, ""},
		{[]string{open, "--api-token=x"}, "api-token: the token has 1 characters"},
		{[]string{open, "--api-token-file=" + token("twelve chars\n")}, ""},
		{[]string{open, "--api-token-file=" + token("short\n")}, "api-token-file: the token has 5 characters"},
		{[]string{open, "--api-token-file=" + token("")}, "api-token-file: the token has 0 characters"},
		{[]string{open, "--api-token-file=nowhere"}, "api-token-file"},
		{[]string{"--api-token=twelve chars", "--api-token-file=" + token("twelve chars")}, "set one of them"},
		{[]string{"--base-url=https://user:canary@vnfm.example"}, "base-url: the URL must not"},
		{[]string{"--nfvo-url=https://user@nfvo.example"}, "nfvo-url: the URL must not"},
		{[]string{"--auth-issuer=https://user:canary@idp.example"}, "auth-issuer: the URL must not"},
		{append(mtls, open, "--auth-certificates=dns:a.example=nfvo;cn:b=em;uri:spiffe://x/y=admin"), ""},
		{mtls, ""},
		{[]string{"--tls-cert-file=c"}, "one needs the other"},
		{[]string{"--tls-cert-file=c", "--tls-key-file=k", "--tls-client-auth=require"}, "tls-client-ca-file"},
		{[]string{"--tls-client-auth=require", "--tls-client-ca-file=a"}, "tls-cert-file"},
		{[]string{"--tls-client-ca-file=a"}, "tls-client-auth is off"},
		{[]string{"--auth-certificates=cn:b=em"}, "tls-client-auth"},
		{append(mtls, "--auth-certificates=b=em"), "dns:NAME"},
		{append(mtls, "--auth-certificates=cn:b=root"), "want one of viewer"},
		{[]string{"--auth-jwks=keys.json"}, "auth-issuer"},
		{[]string{"--auth-issuer=http://idp.example"}, "https"},
		{[]string{"--auth-issuer=http://127.0.0.1:1", "--auth-jwks=keys.json"}, ""},
		{[]string{"--auth-issuer=https://idp.example", "--auth-jwks=http://idp.example/keys"}, "auth-jwks"},
		{[]string{"--auth-issuer=https://idp.example", "--auth-audience="}, "auth-audience"},
		{[]string{"--auth-roles=a=root"}, "want one of viewer"},
		{[]string{"--http-rate=-1"}, "http-rate"},
		{[]string{"--http-burst=0"}, "http-burst"},
		{[]string{"--http-concurrent=-1"}, "http-concurrent"},
		{[]string{"--http-followers=-1"}, "http-followers"},
		{[]string{"--http-connections=0"}, "http-connections"},
		{[]string{"--http-json-depth=0"}, "http-json-depth"},
		{[]string{"--http-json-text=0"}, "http-json-text"},
		{[]string{"--http-body-timeout=0s"}, "http-body-timeout"},
	} {
		_, err := parse(t, "", c.args...)
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%v shows a password: %v", c.args, err)
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
	c, err := parse(t, "auth:\n  issuer: https://idp.example\n  roles: {noc: operator, boss: admin}\n")
	if err != nil || c.Auth.Roles["noc"] != "operator" || c.Auth.Roles["boss"] != "admin" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestPrintHidesSecrets(t *testing.T) {
	c, err := parse(t, "", "--api-token=canary-1-long", "--database=postgres://u:canary-2@127.0.0.1/x", "--vim-database=postgres://u:canary-3@127.0.0.1/y")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := config.Print(&b, c); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "canary") || !strings.Contains(b.String(), `api-token: "(hidden)"`) {
		t.Errorf("a secret shows:\n%s", b.String())
	}
	if !strings.Contains(b.String(), `lane-batch: "64"`) {
		t.Errorf("values are missing:\n%s", b.String())
	}
}

// The role settings say which roles there are.
func TestSettingsNameTheRoles(t *testing.T) {
	var b strings.Builder
	if err := config.Reference(&b); err != nil {
		t.Fatal(err)
	}
	if want := "Roles: " + access.RoleNames() + "."; !strings.Contains(b.String(), want) {
		t.Errorf("the reference does not say %q", want)
	}
}

// What a secret setting is given as a flag goes to the environment, so that the process list does not have it.
func TestSecretFlagsLeaveTheProcessList(t *testing.T) {
	args := []string{"vnfmd", "serve", "--api-token=canary-1", "--nfvo-password", "canary-2", "--listen=127.0.0.1:1", "--database=postgres://u:canary-3@127.0.0.1/x",
		"--vim-database", "sqlite:x", "--nfvo-client-secret="}
	rest, env, err := config.SecretsToEnvironment(args, []string{"HOME=/h", "VNFM_API_TOKEN=older"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"vnfmd", "serve", "--listen=127.0.0.1:1"}; !slices.Equal(rest, want) {
		t.Errorf("the arguments are %q, want %q", rest, want)
	}
	want := []string{"HOME=/h", "VNFM_API_TOKEN=canary-1", "VNFM_NFVO_PASSWORD=canary-2", "VNFM_DATABASE=postgres://u:canary-3@127.0.0.1/x", "VNFM_VIM_DATABASE=sqlite:x", "VNFM_NFVO_CLIENT_SECRET="}
	slices.Sort(env)
	slices.Sort(want)
	if !slices.Equal(env, want) {
		t.Errorf("the environment is %q, want %q", env, want)
	}
	for _, plain := range [][]string{{"vnfmd"}, {"vnfmd", "dev", "--listen=:1", "--", "--api-token=x"}, {"vnfmd", "--api-token"}} {
		rest, env, err := config.SecretsToEnvironment(plain, []string{"A=b"})
		if err != nil || !slices.Equal(rest, plain) || !slices.Equal(env, []string{"A=b"}) {
			t.Errorf("%q becomes %q with %q: %v", plain, rest, env, err)
		}
	}
}

// A list of a file is a list of a flag: an entry each.
func TestListsOfAFile(t *testing.T) {
	c, err := parse(t, "database: postgres://u@127.0.0.1/x\nvim-simulated: false\nroles: [api, relay]\negress:\n  deny:\n  - 10.20.0.0/16\n  - 10.30.0.0/16\n")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Roles, []string{"api", "relay"}) || len(c.Egress.Deny) != 2 {
		t.Errorf("%v %v", c.Roles, c.Egress.Deny)
	}
	for _, bad := range []string{"listen: [a]\n", "roles: [[api]]\n", "roles: [\"api,relay\"]\n", "roles: [{api: x}]\n"} {
		if _, err := parse(t, bad); err == nil || !strings.Contains(err.Error(), ":1: "+strings.SplitN(bad, ":", 2)[0]+": want one value") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
