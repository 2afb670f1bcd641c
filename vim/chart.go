package vim

import "encoding/json"

// KindRelease is the kind of a Chart.
const KindRelease = "Release"

// MaxChart is how large the files of a chart may be together. Helm keeps them, compressed, in a Secret, of which a cluster takes no more than a
// megabyte.
const MaxChart = 8 << 20

// Chart is what the Objects of a unit say that is a release of a Helm chart, in place of a manifest.
type Chart struct {
	Kind    string `json:"kind"` // KindRelease
	Package string `json:"packageId"`
	Path    string `json:"path"` // of the archive, or of the directory, in the package
	// Digest is of what is there, so that another chart at the same path is a change.
	Digest    string `json:"digest,omitempty"`
	Namespace string `json:"namespace,omitempty"` // where the grant names none; "": the connection's
	// Order is when it is made among the releases of a VNF: those of a lower one are ready before.
	Order     int        `json:"order,omitempty"`
	Workloads []Workload `json:"workloads,omitempty"`
}

// Workload says which object of a chart makes the pods of a VDU, and which value of the chart counts them.
type Workload struct {
	Vdu   string   `json:"vduId"`
	Kind  string   `json:"kind,omitempty"`  // "" is any that makes pods
	Names []string `json:"names,omitempty"` // what the object may be called, or a part of its name
	Value string   `json:"value,omitempty"` // "a.b"; "": the replicas of the object are set
}

// ChartValues is what the Values of a unit say that is a release.
type ChartValues struct {
	Values json.RawMessage `json:"values,omitempty"` // an object, laid over the chart's own
	// Set has values by the path of each, as "helm install --set-json" takes them; it is laid over Values.
	Set map[string]json.RawMessage `json:"set,omitempty"`
}

// ChartOf reads the Objects of a unit as a release of a chart; ok is false when they are none.
func ChartOf(u *UnitSpec) (c Chart, ok bool) {
	if u == nil || json.Unmarshal(u.Objects, &c) != nil || c.Kind != KindRelease || c.Path == "" {
		return Chart{}, false
	}
	return c, true
}
