package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	release "helm.sh/helm/v4/pkg/release/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/vnfm/vnfm/config"
)

// madeVersion is a version as releases of a commit without a tag have it.
const madeVersion = "0.0.0-20261130120000-0123456789ab"

// made loads the chart as `make release` packs it: the archive that VNFM_TEST_CHART names, else the sources with a version.
func made(t *testing.T) *chart.Chart {
	t.Helper()
	if archive := os.Getenv("VNFM_TEST_CHART"); archive != "" {
		c, err := loader.LoadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c, err := loader.LoadDir("chart")
	if err != nil {
		t.Fatal(err)
	}
	c.Metadata.Version, c.Metadata.AppVersion = madeVersion, madeVersion
	return c
}

// objects are those that the chart renders to.
type objects struct {
	text       string
	account    *core.ServiceAccount
	settings   *core.ConfigMap
	service    *core.Service
	budget     *policy.PodDisruptionBudget
	network    *networking.NetworkPolicy
	deployment *apps.Deployment
}

// render renders the chart with values, in YAML, as an installation named name does.
func render(t *testing.T, name, values string) (*objects, error) {
	t.Helper()
	var given map[string]any
	if err := yaml.Unmarshal([]byte(values), &given); err != nil {
		t.Fatal(err)
	}
	i := action.NewInstall(action.NewConfiguration())
	i.ReleaseName, i.Namespace, i.DryRunStrategy = name, "vnfm", action.DryRunClient
	version, err := common.ParseKubeVersion("v1.37.0")
	if err != nil {
		t.Fatal(err)
	}
	i.KubeVersion = version
	done, err := i.Run(made(t), given)
	if err != nil {
		return nil, err
	}
	return decoded(t, done.(*release.Release).Manifest), nil
}

// decoded reads objects strictly: a field that there is not, or that is there twice, is an error.
func decoded(t *testing.T, manifest string) *objects {
	t.Helper()
	o := &objects{text: manifest}
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	for _, one := range regexp.MustCompile(`(?m)^---$`).Split(manifest, -1) {
		if strings.TrimSpace(regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(one, "")) == "" {
			continue
		}
		x, _, err := decoder.Decode([]byte(one), nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, one)
		}
		o.keep(t, x)
	}
	return o
}

func (o *objects) keep(t *testing.T, x runtime.Object) {
	t.Helper()
	switch x := x.(type) {
	case *core.ServiceAccount:
		o.account = x
	case *core.ConfigMap:
		o.settings = x
	case *core.Service:
		o.service = x
	case *policy.PodDisruptionBudget:
		o.budget = x
	case *networking.NetworkPolicy:
		o.network = x
	case *apps.Deployment:
		o.deployment = x
	default:
		t.Errorf("nobody expects a %T", x)
	}
}

// accepted has vnfmd read the settings as the pod gets them, secrets having some values.
func (o *objects) accepted(t *testing.T) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "vnfmd.yaml")
	if err := os.WriteFile(file, []byte(o.settings.Data["vnfmd.yaml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"url": "postgres://vnfm:canary@db/vnfm", "token": "twelve chars canary", "password": "canary"}
	for _, e := range o.container().Env {
		value := e.Value
		if from := e.ValueFrom; from != nil && from.SecretKeyRef != nil {
			value = secrets[from.SecretKeyRef.Key]
		}
		t.Setenv(e.Name, value)
	}
	resolver, err := config.File(file)
	if err != nil {
		t.Fatal(err)
	}
	var c config.Config
	k, err := kong.New(&c, kong.DefaultEnvars(config.EnvPrefix), kong.Resolvers(resolver))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse(nil); err != nil {
		t.Fatalf("%v in\n%s", err, o.settings.Data["vnfmd.yaml"])
	}
	if err := c.Validate(); err != nil {
		t.Fatalf("%v in\n%s", err, o.settings.Data["vnfmd.yaml"])
	}
	return &c
}

func (o *objects) container() core.Container { return o.deployment.Spec.Template.Spec.Containers[0] }

// TestChartIsClean: Helm's own rules find nothing, but that no icon is named. Seen failing with a template that is no YAML.
func TestChartIsClean(t *testing.T) {
	for _, m := range lint.RunAll("chart", nil, "vnfm").Messages {
		if m.Severity > support.InfoSev || !strings.Contains(m.Err.Error(), "icon") {
			t.Errorf("%v", m)
		}
	}
}

// TestChartRenders: with every way to set it, the chart renders to objects that a cluster takes, which agree with one another, and to
// settings that vnfmd takes. Seen failing with settings that are empty, and without the service links turned off.
func TestChartRenders(t *testing.T) {
	for _, c := range []struct {
		name, values string
		says         func(*testing.T, *objects, *config.Config)
	}{
		{"as it comes", ``, func(t *testing.T, o *objects, c *config.Config) {
			if *o.deployment.Spec.Replicas != 2 || o.network == nil || o.budget.Spec.MaxUnavailable.IntValue() != 1 || c.Vim.Simulated || c.Log.Format != "json" {
				t.Errorf("%d replicas, network %v, budget %v, %+v", *o.deployment.Spec.Replicas, o.network, o.budget.Spec, c.Log)
			}
			if c.Database != "postgres://vnfm:canary@db/vnfm" || c.APIToken != "twelve chars canary" || c.Listen != ":8080" || c.Data != "/var/lib/vnfm" {
				t.Errorf("database %s, token %s, listen %s, data %s", c.Database, c.APIToken, c.Listen, c.Data)
			}
		}},
		{"nothing set", `{settings: {vim-simulated: null, log-format: null}}`, func(t *testing.T, _ *objects, c *config.Config) {
			if !c.Vim.Simulated || c.Log.Format != "text" {
				t.Errorf("%+v %+v", c.Vim, c.Log)
			}
		}},
		{"secrets of other names", `{secrets: {database: db.example, keys: k, apiToken: t}}`, func(t *testing.T, o *objects, _ *config.Config) {
			want := map[string]string{"VNFM_DATABASE": "db.example/url", "VNFM_API_TOKEN": "t/token"}
			if got := secretsOf(o); !maps.Equal(got, want) {
				t.Errorf("the secrets are %v, want %v", got, want)
			}
		}},
		{"Kafka", `
settings:
  bus: kafka://kafka-1:9093,kafka-2:9093
  bus-sasl: SCRAM-SHA-512
  bus-user: vnfm
  bus-ca-file: /run/secrets/vnfm/files/kafka.ca/ca.crt
secrets: {settings: {bus-password: {name: kafka, key: password}}, files: [kafka.ca]}`, func(t *testing.T, o *objects, c *config.Config) {
			if c.Kafka.Password != "canary" || secretsOf(o)["VNFM_BUS_PASSWORD"] != "kafka/password" {
				t.Errorf("%+v, %v", c.Kafka, secretsOf(o))
			}
			if !mounted(o, "/run/secrets/vnfm/files/kafka.ca", "kafka.ca") {
				t.Errorf("the authorities are not there: %v", o.container().VolumeMounts)
			}
		}},
		{"three nodes", `{replicas: 3, podDisruptionBudget: {maxUnavailable: 50%}}`, func(t *testing.T, o *objects, _ *config.Config) {
			if *o.deployment.Spec.Replicas != 3 || o.budget.Spec.MaxUnavailable.StrVal != "50%" {
				t.Errorf("%d replicas, budget %v", *o.deployment.Spec.Replicas, o.budget.Spec)
			}
		}},
		{"no NetworkPolicy", `{networkPolicy: {enabled: false}}`, func(t *testing.T, o *objects, _ *config.Config) {
			if o.network != nil {
				t.Errorf("there is %v", o.network)
			}
		}},
		{"who may call", `{networkPolicy: {from: [{namespaceSelector: {matchLabels: {name: nfvo}}}, {ipBlock: {cidr: 10.0.0.0/8}}]}}`, func(t *testing.T, o *objects, _ *config.Config) {
			if from := o.network.Spec.Ingress[0].From; len(from) != 2 || from[1].IPBlock.CIDR != "10.0.0.0/8" {
				t.Errorf("they are %v", from)
			}
		}},
		{"TLS", `{secrets: {tls: vnfm-tls, files: [ca]}, settings: {tls: {client-auth: accept, client-ca-file: /run/secrets/vnfm/files/ca/ca.crt}, auth-certificates: {"dns:a.example": nfvo}}}`, func(t *testing.T, o *objects, c *config.Config) {
			for _, p := range probesOf(o) {
				if p.HTTPGet.Scheme != core.URISchemeHTTPS {
					t.Errorf("a probe asks by %s", p.HTTPGet.Scheme)
				}
			}
			if !mounted(o, filepath.Dir(c.TLS.CertFile), "vnfm-tls") || !mounted(o, filepath.Dir(c.TLS.ClientCA), "ca") || c.Auth.Certificates["dns:a.example"] != "nfvo" {
				t.Errorf("%+v, %+v", c.TLS, c.Auth)
			}
		}},
		{"no token", `{secrets: {apiToken: ""}, settings: {auth: {issuer: "https://idp.example", roles: {noc: operator}}}}`, func(t *testing.T, o *objects, c *config.Config) {
			if c.APIToken != "" || c.Auth.Roles["noc"] != "operator" || secretsOf(o)["VNFM_API_TOKEN"] != "" {
				t.Errorf("%q, %+v", c.APIToken, c.Auth)
			}
		}},
		{"roles of nodes", `{settings: {roles: [orchestrator, vim-manager], http-max-body: 16777216, trace-ratio: 0.25, egress-ports: [443, 8443]}}`, func(t *testing.T, _ *objects, c *config.Config) {
			if !slices.Equal(c.Roles, []string{"orchestrator", "vim-manager"}) || c.HTTP.MaxBody != 16777216 || c.Trace.Ratio != 0.25 || len(c.Egress.Ports) != 2 {
				t.Errorf("%v %d %v %v", c.Roles, c.HTTP.MaxBody, c.Trace.Ratio, c.Egress.Ports)
			}
		}},
		{"where it runs", `
image: {repository: "registry.example:5000/nfv/vnfm", tag: v1, pullPolicy: Always}
imagePullSecrets: [{name: pull}]
nodeSelector: {disk: fast}
tolerations: [{key: x, operator: Exists}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}
podAnnotations: {prometheus.io/scrape: "true"}
service: {type: LoadBalancer, port: 443}
resources: {limits: {cpu: 2}}`, func(t *testing.T, o *objects, _ *config.Config) {
			pod := o.deployment.Spec.Template
			if pod.Spec.Containers[0].Image != "registry.example:5000/nfv/vnfm:v1" || pod.Annotations["prometheus.io/scrape"] != "true" || pod.Spec.NodeSelector["disk"] != "fast" ||
				len(pod.Spec.Tolerations) != 1 || pod.Spec.Affinity == nil || pod.Spec.ImagePullSecrets[0].Name != "pull" || o.service.Spec.Ports[0].Port != 443 {
				t.Errorf("%+v", pod)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"vnfm", "site1", "007", strings.Repeat("n", 53)} {
				o, err := render(t, name, c.values)
				if err != nil {
					t.Fatal(err)
				}
				o.agree(t, made(t).Metadata.AppVersion)
				c.says(t, o, o.accepted(t))
			}
		})
	}
}

// secretsOf are the variables that come from secrets, as secret/key.
func secretsOf(o *objects) map[string]string {
	out := map[string]string{}
	for _, e := range o.container().Env {
		if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
			out[e.Name] = e.ValueFrom.SecretKeyRef.Name + "/" + e.ValueFrom.SecretKeyRef.Key
		}
	}
	return out
}

func probesOf(o *objects) []*core.Probe {
	c := o.container()
	return []*core.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe}
}

// mounted says whether the keys of a secret are files in a folder.
func mounted(o *objects, dir, secret string) bool {
	for _, m := range o.container().VolumeMounts {
		for _, v := range o.deployment.Spec.Template.Spec.Volumes {
			if m.MountPath == dir && m.ReadOnly && m.Name == v.Name && v.Secret != nil && v.Secret.SecretName == secret {
				return true
			}
		}
	}
	return false
}

// agree is what holds of every rendering.
func (o *objects) agree(t *testing.T, version string) {
	t.Helper()
	bad := func(format string, args ...any) { t.Helper(); t.Errorf(format, args...) }
	pod, c := o.deployment.Spec.Template, o.container()
	// each selector is of these pods, and nothing that changes with a version
	for what, selector := range map[string]map[string]string{
		"deployment": o.deployment.Spec.Selector.MatchLabels, "service": o.service.Spec.Selector, "budget": o.budget.Spec.Selector.MatchLabels,
		"spread": pod.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels,
	} {
		if len(selector) != 2 || selector["app.kubernetes.io/instance"] == "" {
			bad("the %s selects %v", what, selector)
		}
		for k, v := range selector {
			if pod.Labels[k] != v {
				bad("the %s selects %s=%s, the pods have %v", what, k, v, pod.Labels)
			}
		}
	}
	if o.network != nil && !maps.Equal(o.network.Spec.PodSelector.MatchLabels, o.deployment.Spec.Selector.MatchLabels) {
		bad("the network policy is for %v", o.network.Spec.PodSelector)
	}
	for k, v := range pod.Labels {
		if len(v) > 63 || !regexp.MustCompile(`^[a-zA-Z0-9]([-._a-zA-Z0-9]*[a-zA-Z0-9])?$`).MatchString(v) {
			bad("%s=%q is no label", k, v)
		}
	}
	if image := c.Image; !strings.HasSuffix(image, ":v1") && !strings.HasSuffix(image, ":"+version) {
		bad("the image of %s is %s", version, image)
	}
	if pod.Labels["app.kubernetes.io/version"] != version {
		bad("the version is %v", pod.Labels)
	}
	if s := o.deployment.Spec.Strategy.RollingUpdate; s.MaxUnavailable.IntValue() != 0 || s.MaxSurge.IntValue() != 1 {
		bad("an update is %v", s)
	}
	o.confined(t)
	// each probe finds what serves it; the port is the one that vnfmd is told
	for _, p := range probesOf(o) {
		if p == nil || p.HTTPGet == nil || p.HTTPGet.Port.StrVal != c.Ports[0].Name || !slices.Contains([]string{"/healthz", "/readyz"}, p.HTTPGet.Path) {
			bad("a probe is %v", p)
		}
	}
	if o.service.Spec.Ports[0].TargetPort.StrVal != c.Ports[0].Name || !strings.Contains(o.settings.Data["vnfmd.yaml"], fmt.Sprintf(`listen: ":%d"`, c.Ports[0].ContainerPort)) {
		bad("the service is %v, the settings %v", o.service.Spec, o.settings.Data)
	}
	// the time that a stop may take
	sleep := c.Lifecycle.PreStop.Sleep.Seconds
	if grace := *pod.Spec.TerminationGracePeriodSeconds; grace < sleep+20 {
		bad("it has %d s to stop, of which it sleeps %d", grace, sleep)
	}
	if strings.Contains(o.text, "canary") || strings.Contains(o.text, "kind: Secret") {
		bad("a secret is in\n%s", o.text)
	}
	if pod.Annotations["checksum/settings"] == "" {
		bad("changed settings start no new pods")
	}
}

// confined: the pods may do nothing that vnfmd need not.
func (o *objects) confined(t *testing.T) {
	t.Helper()
	pod, c := o.deployment.Spec.Template.Spec, o.container()
	p, s := pod.SecurityContext, c.SecurityContext
	if !*p.RunAsNonRoot || *p.RunAsUser != 65532 || p.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem ||
		!slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) || *pod.AutomountServiceAccountToken || *o.account.AutomountServiceAccountToken || *pod.EnableServiceLinks || pod.ServiceAccountName != o.account.Name {
		t.Errorf("the pods may do more than they need: %+v %+v", p, s)
	}
	names := map[string]bool{}
	for _, v := range pod.Volumes {
		names[v.Name] = true
	}
	for _, m := range c.VolumeMounts {
		if !names[m.Name] || !m.ReadOnly && m.Name != "data" && m.Name != "tmp" {
			t.Errorf("%+v is mounted, of %v", m, names)
		}
	}
}

// TestChartRefuses: what cannot be, and what would show a secret, is refused with what to do.
func TestChartRefuses(t *testing.T) {
	for values, want := range map[string]string{
		`{settings: {listen: ":1"}}`:                                "service.port",
		`{settings: {data: /x}}`:                                    "where vnfmd writes",
		`{settings: {node: x}}`:                                     "named as its pod",
		`{settings: {secret: {key-file: x}}}`:                       "secrets.keys",
		`{settings: {tls: {cert-file: x}}}`:                         "secrets.tls",
		`{secrets: {tls: x}, settings: {tls-client-auth: require}}`: "probes",
		`{replica: 3}`:                                              "replica",
		`{replicas: "3"}`:                                           "replicas",
		`{secrets: {keys: ""}}`:                                     "keys",
		`{secrets: {settings: {log-level: {name: a, key: b}}}}`:     "log-level",
		`{service: {port: 0}}`:                                      "port",
	} {
		if _, err := render(t, "vnfm", values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", values, err, want)
		}
	}
	// every setting that is secret, flat and in its section
	all, err := config.InForce(&config.Config{})
	if err != nil {
		t.Fatal(err)
	}
	secrets := 0
	for _, s := range all {
		if !s.Secret {
			continue
		}
		secrets++
		section, rest, _ := strings.Cut(s.Name, "-")
		for _, values := range []any{map[string]any{s.Name: "canary"}, map[string]any{section: map[string]any{rest: "canary"}}} {
			b, _ := json.Marshal(map[string]any{"settings": values})
			if rest == "" && bytes.Contains(b, []byte(`"":`)) {
				continue
			}
			if _, err := render(t, "vnfm", string(b)); err == nil || !strings.Contains(err.Error(), s.Name) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s is taken: %v", b, err)
			}
		}
	}
	if secrets < 5 {
		t.Errorf("only %d settings are secret", secrets)
	}
}

// TestChartHasAllValues: each value that a template asks for is in values.yaml, and each there is asked for.
func TestChartHasAllValues(t *testing.T) {
	text := ""
	err := filepath.WalkDir("chart/templates", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		text += string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	values := made(t).Values
	asked := map[string]bool{}
	for _, m := range regexp.MustCompile(`\.Values\.(\w+)`).FindAllStringSubmatch(text, -1) {
		asked[m[1]] = true
		if _, has := values[m[1]]; !has {
			t.Errorf("values.yaml has no %s", m[1])
		}
	}
	for name := range values {
		if !asked[name] {
			t.Errorf("no template asks for %s", name)
		}
	}
}
