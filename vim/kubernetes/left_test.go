package kubernetes_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes"
)

const hooksAt = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/hooks"

// hooks is a configuration of webhooks with something in the place of the certificates of their authorities.
func hooks(notes, authority, policy string, names ...string) vim.Spec {
	var all []string
	for _, n := range names {
		all = append(all, fmt.Sprintf(`{"name":%q,"clientConfig":{"service":{"name":"s","namespace":"vnfs"}%s},"failurePolicy":%q,"sideEffects":"None","admissionReviewVersions":["v1"]}`, n, authority, policy))
	}
	return objectOf(`{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{"name":"hooks"%s},"webhooks":[%s]}`, notes, strings.Join(all, ","))
}

// A change of an object leaves alone what an injector has put where its manifest has a placeholder, or asks for it; nobody takes that for drift. A certificate of the
// manifest's own is not given up, nor any other field: who holds it is named. Seen failing without Leave.
func TestAnInjectorKeepsItsCertificates(t *testing.T) {
	injected := base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\nof the injector\n"))
	own := `,"caBundle":"` + base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\nof the package\n")) + `"`
	asks := `,"annotations":{"cert-manager.io/inject-ca-from":"vnfs/s"}`
	for name, x := range map[string]struct {
		notes, before, after string
		policy               string // set by the injector
		names                []string
		conflict             string
	}{
		"nothing in its place":       {asks, "", "", "", []string{"a.x.y", "b.x.y"}, ""},
		"a line feed":                {asks, `,"caBundle":"Cg=="`, `,"caBundle":"Cg=="`, "", []string{"a.x.y", "b.x.y"}, ""},
		"an empty text":              {"", `,"caBundle":""`, `,"caBundle":""`, "", []string{"a.x.y", "b.x.y"}, ""},
		"a new placeholder":          {"", "", `,"caBundle":"Cg=="`, "", []string{"a.x.y", "b.x.y"}, ""},
		"a certificate, and asks":    {asks, own, own, "", []string{"a.x.y", "b.x.y"}, ""},
		"a certificate of its own":   {"", own, own, "", []string{"a.x.y", "b.x.y"}, "clientConfig.caBundle"},
		"another field":              {asks, `,"caBundle":"Cg=="`, `,"caBundle":"Cg=="`, "Ignore", []string{"a.x.y", "b.x.y"}, "failurePolicy"},
		"a webhook more":             {asks, `,"caBundle":"Cg=="`, `,"caBundle":"Cg=="`, "", []string{"a.x.y", "b.x.y", "c.x.y"}, ""},
		"a webhook less":             {asks, `,"caBundle":"Cg=="`, `,"caBundle":"Cg=="`, "", []string{"a.x.y"}, ""},
		"a webhook less, no bundles": {asks, "", "", "", []string{"a.x.y"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, d := newFake(t), kubernetes.New(kubernetes.Config{})
			f.admit = whole
			from := hooks(x.notes, x.before, "Fail", "a.x.y", "b.x.y")
			r := vim.StartRequest{Token: vim.Token{ID: "a", Generation: 1}, Kind: vim.Unit, Owner: "o", Spec: from}
			res, err := d.Start(t.Context(), f.conn, r)
			if err != nil {
				t.Fatal(err)
			}
			f.as(t, "cainjector", hooksAt, func(u *unstructured.Unstructured) {
				each(u, func(hook map[string]any) {
					client, _ := hook["clientConfig"].(map[string]any)
					client["caBundle"] = injected
					if x.policy != "" {
						hook["failurePolicy"] = x.policy
					}
				})
			})
			to := hooks(x.notes, x.after, "Fail", x.names...)
			if x.conflict == "" {
				to = hooks(x.notes, x.after, "Ignore", x.names...)
			} else if x.policy != "" {
				to = hooks(x.notes, x.after, "Fail", append(x.names, "z.x.y")...)
			}
			_, err = d.Change(t.Context(), f.conn, vim.ChangeRequest{Token: r.Token, Kind: vim.Unit, Owner: r.Owner, ID: res.ID, Revision: 2, From: from, To: to})
			if x.conflict != "" {
				if vim.ClassOf(err) != message.Permanent || !strings.Contains(fmt.Sprint(err), x.conflict) || !strings.Contains(fmt.Sprint(err), "cainjector") {
					t.Errorf("%v, want a conflict at %s", err, x.conflict)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			each(f.objects[hooksAt], func(hook map[string]any) {
				name, _ := hook["name"].(string)
				client, _ := hook["clientConfig"].(map[string]any)
				if old := name < "c"; hook["failurePolicy"] != "Ignore" || old != (client["caBundle"] == injected) {
					t.Errorf("%v", hook)
				}
				got = append(got, name)
			})
			if strings.Join(got, " ") != strings.Join(x.names, " ") {
				t.Errorf("there are %s, want %s", got, x.names)
			}
			page, err := d.Observe(t.Context(), f.conn, vim.ListRequest{Owner: r.Owner})
			if err != nil || len(page.Resources) != 1 {
				t.Fatalf("%+v, %v", page, err)
			}
			if fields, by := page.Resources[0].Taken(to.Unit.Objects); len(fields) != 0 {
				t.Errorf("taken: %q by %s", fields, by)
			}
		})
	}
}

// each calls f for the webhooks of a configuration of them.
func each(u *unstructured.Unstructured, f func(hook map[string]any)) {
	all, _ := u.Object["webhooks"].([]any)
	for _, h := range all {
		hook, _ := h.(map[string]any)
		f(hook)
	}
}

// whole refuses a webhook that is not, as a cluster does.
func whole(u *unstructured.Unstructured) (why string) {
	each(u, func(hook map[string]any) {
		if hook["sideEffects"] == nil {
			why = fmt.Sprintf("webhooks[name=%s].sideEffects: Required value", hook["name"])
		}
	})
	return why
}

// The rules of a role that is put together from others are not fought over.
func TestARoleThatIsPutTogetherIsChanged(t *testing.T) {
	f, d := newFake(t), kubernetes.New(kubernetes.Config{})
	role := func(label string) vim.Spec {
		return objectOf(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"all","labels":{"a":%q}},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"x":"y"}}]},"rules":[]}`, label)
	}
	r := vim.StartRequest{Token: vim.Token{ID: "a", Generation: 1}, Kind: vim.Unit, Owner: "o", Spec: role("1")}
	res, err := d.Start(t.Context(), f.conn, r)
	if err != nil {
		t.Fatal(err)
	}
	const at = "/apis/rbac.authorization.k8s.io/v1/clusterroles/all"
	f.as(t, "clusterrole-aggregation-controller", at, func(u *unstructured.Unstructured) {
		u.Object["rules"] = []any{map[string]any{"verbs": []any{"get"}, "apiGroups": []any{""}, "resources": []any{"pods"}}}
	})
	if _, err = d.Change(t.Context(), f.conn, vim.ChangeRequest{Token: r.Token, Kind: vim.Unit, Owner: r.Owner, ID: res.ID, Revision: 2, From: r.Spec, To: role("2")}); err != nil {
		t.Fatal(err)
	}
	if u := f.objects[at]; len(u.Object["rules"].([]any)) != 1 || u.GetLabels()["a"] != "2" { //nolint:forcetypeassert // a list
		t.Errorf("%v", u)
	}
}
