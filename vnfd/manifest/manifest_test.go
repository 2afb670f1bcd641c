package manifest_test

import (
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vnfd/manifest"
)

const two = `# a comment
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: b}
subjects:
- {kind: ServiceAccount, name: sa, namespace: default}
- {kind: ServiceAccount, name: other, namespace: default}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: "010", b: 9007199254740993}}
`

func TestRead(t *testing.T) {
	got, err := manifest.Read("f.yaml", []byte(two), 10)
	if err != nil || len(got) != 3 {
		t.Fatalf("%d objects, %v", len(got), err)
	}
	if !manifest.Homeless(got) {
		t.Error("the ConfigMap names no namespace")
	}
	manifest.Place(got, "own", false)
	if manifest.Homeless(got) || got[0].Namespace != "default" || got[2].Namespace != "own" {
		t.Errorf("placed as %+v", got)
	}
	manifest.Place(got, "shop", true)
	b, err := got[1].JSON()
	if err != nil || !strings.Contains(string(b), `"name":"sa","namespace":"shop"`) || !strings.Contains(string(b), `"name":"other","namespace":"default"`) {
		t.Errorf("the binding is %s, %v", b, err)
	}
	if c, err := got[2].JSON(); err != nil || !strings.Contains(string(c), `9007199254740993`) || !strings.Contains(string(c), `"010"`) {
		t.Errorf("numbers are not as they were: %s, %v", c, err)
	}
	if got[1].Group() != "rbac.authorization.k8s.io" || got[0].Group() != "" {
		t.Error("groups")
	}
}

func TestReadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no object": "- a", "no kind": "apiVersion: v1", "twice": "apiVersion: v1\nkind: A\nkind: B", "tab": "a:\n\t- b",
		"metadata": "apiVersion: v1\nkind: A\nmetadata: x", "items": "apiVersion: v1\nkind: List\nitems: [1]",
		"many": two, "large": strings.Repeat("a", manifest.MaxBytes+1),
	} {
		if got, err := manifest.Read("f.yaml", []byte(text), 2); vnfm.KindOf(err) != vnfm.Unprocessable {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(two))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := manifest.Read("f", text, 100)
		if err != nil {
			return
		}
		manifest.Place(got, "n", true)
		for i := range got {
			if _, err := got[i].JSON(); err != nil {
				t.Error(err)
			}
		}
	})
}
