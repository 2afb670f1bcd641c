package kube_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// What others have made another of, of what we had set, is told by its path; what they have set beside it, what they set as we did, a status, and how many pods there are is not. Seen failing
// without the comparison of values, and without that of managers.
func TestTaken(t *testing.T) {
	const manifest = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","labels":{"app":"web","tier":"front"}},
		"spec":{"replicas":3,"minReadySeconds":5,"template":{"spec":{"containers":[{"name":"web","image":"web:1","ports":[{"containerPort":80,"name":"http"}]},{"name":"side","image":"side:1"}]}}}}`
	const live = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","labels":{"app":"web","tier":"back","more":"x"},"managedFields":[
		{"manager":"vnfm","operation":"Apply","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:minReadySeconds":{},
			"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"side\"}":{".":{},"f:image":{},"f:name":{}},"k:{\"name\":\"web\"}":{".":{},"f:name":{}}}}}}}},
		{"manager":"kubectl-set","operation":"Update","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:minReadySeconds":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{"f:image":{},
			"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{"f:name":{}}}}}}}}}},
		{"manager":"kubectl-edit","operation":"Update","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:tier":{},"f:more":{}}},"f:spec":{"f:replicas":{}}}},
		{"manager":"kube-controller-manager","operation":"Update","subresource":"status","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"side\"}":{"f:image":{}}}}}}}}]},
		"spec":{"replicas":7,"minReadySeconds":5,"template":{"spec":{"containers":[{"name":"web","image":"web:2","ports":[{"containerPort":80,"name":"other","protocol":"TCP"}]},{"name":"side","image":"side:1"}]}}}}`
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(live), &u.Object); err != nil {
		t.Fatal(err)
	}
	fields, by := kube.Taken(u, json.RawMessage(manifest))
	want := []string{
		"metadata.labels.tier", "spec.template.spec.containers[name=web].image", "spec.template.spec.containers[name=web].ports[containerPort=80,protocol=TCP].name",
	}
	if !slices.Equal(fields, want) || by != "kubectl-set" {
		t.Errorf("%q by %s, want %q", fields, by, want)
	}
	if !kube.Others(u) {
		t.Error("nobody else")
	}
	if fields, _ := kube.Taken(u, json.RawMessage(`{"metadata":{"labels":{"app":"web"}}}`)); len(fields) != 0 {
		t.Errorf("%q", fields)
	}
}

// What a manifest leaves to its cluster is not taken from it: the rules of an aggregated role, and the certificates that are put where it has a
// placeholder; those that it gives are its own.
func TestWhatAManifestLeavesToItsCluster(t *testing.T) {
	const set = `"metadata":{"name":"x","managedFields":[{"manager":"injector","operation":"Update","fieldsType":"FieldsV1","fieldsV1":`
	ca := func(v string) string {
		return `{"kind":"V","webhooks":[{"name":"a","clientConfig":{"caBundle":"` + v + `"}}]`
	}
	byInjector := `,` + set + `{"f:webhooks":{"k:{\"name\":\"a\"}":{"f:clientConfig":{"f:caBundle":{}}}}}}]}}`
	pem := base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\n"))
	for name, tt := range map[string]struct {
		manifest, live string
		want           []string
	}{
		"a placeholder":      {ca("Cg==") + `}`, ca(pem) + byInjector, nil},
		"a certificate":      {ca(pem) + `}`, ca("Cg==") + byInjector, []string{"webhooks[name=a].clientConfig.caBundle"}},
		"asks for it":        {`{"metadata":{"annotations":{"cert-manager.io/inject-ca-from":"a/b"}},` + ca(pem)[1:] + `}`, ca("Cg==") + byInjector, nil},
		"asks nobody":        {`{"metadata":{"annotations":{"cert-manager.io/inject-ca-from":""}},` + ca(pem)[1:] + `}`, ca("Cg==") + byInjector, []string{"webhooks[name=a].clientConfig.caBundle"}},
		"an aggregated role": {`{"kind":"ClusterRole","aggregationRule":{},"rules":[]}`, `{"kind":"ClusterRole","rules":[{"verbs":["get"]}],` + set + `{"f:rules":{}}}]}}`, nil},
		"another role":       {`{"kind":"ClusterRole","rules":[]}`, `{"kind":"ClusterRole","rules":[{"verbs":["get"]}],` + set + `{"f:rules":{}}}]}}`, []string{"rules"}},
	} {
		u := &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(tt.live), &u.Object); err != nil {
			t.Fatal(name, err)
		}
		if got, _ := kube.Taken(u, json.RawMessage(tt.manifest)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		const at = "webhooks[name=a].clientConfig.caBundle"
		bare := &unstructured.Unstructured{Object: map[string]any{"webhooks": []any{map[string]any{"name": "a", "clientConfig": map[string]any{}}}}}
		if missed := kube.Missing(bare, json.RawMessage(tt.manifest)); slices.Contains(missed, at) != slices.Contains(tt.want, at) {
			t.Errorf("%s: %q is missed", name, missed)
		}
	}
}

// An autoscaler of the cluster is told from a person who scales: both do it by the same subresource.
func TestAutoscaled(t *testing.T) {
	entry := func(manager, subresource, fields string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"managedFields": []any{map[string]any{
			"manager": manager, "subresource": subresource, "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": map[string]any{"f:spec": map[string]any{fields: map[string]any{}}},
		}}}}}
	}
	for name, tt := range map[string]struct {
		u    *unstructured.Unstructured
		want bool
	}{
		"autoscaler": {entry("kube-controller-manager", "scale", "f:replicas"), true},
		"person":     {entry("kubectl", "scale", "f:replicas"), false},
		"status":     {entry("kube-controller-manager", "status", "f:replicas"), false},
		"another":    {entry("kube-controller-manager", "scale", "f:paused"), false},
		"nobody":     {&unstructured.Unstructured{Object: map[string]any{}}, false},
	} {
		if got := kube.Autoscaled(tt.u); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What an object lacks of a manifest is told by its path: fields, members of maps, elements that have names. Nothing is told of what is
// empty, what no cluster keeps, lists of which nobody knows the elements, and what is there in another way.
func TestMissing(t *testing.T) {
	const manifest = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"a","labels":{"app":"web"},"annotations":{"a":"1","b":"2"}},"stringData":{"a":"b"},
		"spec":{"replicas":3,"minReadySeconds":5,"paused":null,"strategy":{},"template":{"spec":{"nodeSelector":{"disk":"ssd"},
			"containers":[{"name":"web","image":"web:1","env":[{"name":"A","value":"1"},{"name":"B","value":""}],"args":["-v"],"ports":[{"containerPort":80}]},{"name":"side","image":"side:1"}]}}}}`
	const live = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","labels":{"app":"web"},"annotations":{"b":"3"}},
		"spec":{"template":{"spec":{"containers":[{"name":"web","image":"web:2","env":[{"name":"B"}],"ports":[{"containerPort":81,"protocol":"TCP"}]}]}}}}`
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(live), &u.Object); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"metadata.annotations.a", "spec.minReadySeconds", "spec.template.spec.containers[name=side]", "spec.template.spec.containers[name=web].args",
		"spec.template.spec.containers[name=web].env[name=A]", "spec.template.spec.nodeSelector",
	}
	if got := kube.Missing(u, json.RawMessage(manifest)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := kube.Missing(u, json.RawMessage(live)); len(got) != 0 {
		t.Errorf("%q", got)
	}
}
