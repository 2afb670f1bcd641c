package helm

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// labeller sees what a chart renders, before any of it is sent: it finds the workloads of the VDUs, sets how many pods each has where no
// value of the chart does, and has pods and objects say whose they are.
type labeller struct {
	unit  *unit // Of is set
	name  string
	chart *chart.Chart // is told of the unit, which Helm keeps with it
}

// render is how what a chart renders is seen.
func (w *wish) render() *labeller {
	l := &labeller{unit: &w.unit, name: w.at.Name, chart: w.chart}
	l.note()
	return l
}

func (l *labeller) note() {
	m := *l.chart.Metadata
	m.Annotations = maps.Clone(m.Annotations)
	if m.Annotations == nil {
		m.Annotations = map[string]string{}
	}
	m.Annotations[AnnotationUnit] = string(vim.Encode(l.unit))
	l.chart.Metadata = &m
}

// hookAnnotation is on objects that Helm makes before or after the others.
const hookAnnotation = "helm.sh/hook"

// Run implements postrenderer.PostRenderer.
func (l *labeller) Run(in *bytes.Buffer) (*bytes.Buffer, error) {
	nodes, err := kio.ParseAll(in.String())
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unprocessable, err, "the chart renders what is no object")
	}
	hooks := true
	for _, n := range nodes {
		hooks = hooks && n.GetAnnotations()[hookAnnotation] != ""
	}
	if !hooks || len(nodes) == 0 {
		if err := l.match(nodes); err != nil {
			return nil, err
		}
		l.note()
	}
	for _, n := range nodes {
		if err := l.mark(n); err != nil {
			return nil, err
		}
	}
	out, err := kio.StringAll(nodes)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "write what the chart renders")
	}
	return bytes.NewBufferString(out), nil
}

// refOfNode names an object as it is rendered.
func refOfNode(n *yaml.RNode) kube.Ref {
	gv, _ := schema.ParseGroupVersion(n.GetApiVersion()) // what is none has no kind of ours
	return kube.Ref{Kind: gv.WithKind(n.GetKind()), Namespace: n.GetNamespace(), Name: n.GetName()}
}

// workloadKey names a workload within a release.
func workloadKey(r kube.Ref) string { return r.Kind.Kind + "/" + r.Namespace + "/" + r.Name }

// match finds the workload of each VDU, and sees to it that it has as many pods as are wanted.
func (l *labeller) match(nodes []*yaml.RNode) error {
	var all []*yaml.RNode
	scaled := map[string]bool{} // by an autoscaler
	for _, n := range nodes {
		if n.GetAnnotations()[hookAnnotation] != "" {
			continue
		}
		if r := refOfNode(n); kube.Template(r) != nil && r.Kind.Kind != "CronJob" || r.Kind.Group == "" && r.Kind.Kind == "Pod" {
			all = append(all, n)
		}
		if n.GetKind() == "HorizontalPodAutoscaler" {
			kind, _ := n.GetString("spec.scaleTargetRef.kind")
			name, _ := n.GetString("spec.scaleTargetRef.name")
			scaled[kind+"/"+n.GetNamespace()+"/"+name] = true
		}
	}
	l.unit.Of = map[string]string{}
	taken := map[*yaml.RNode]bool{}
	none := func(w vim.Workload) bool { n, counted := l.unit.Counts[w.Vdu]; return counted && n == 0 }
	order := slices.Clone(l.unit.Workloads) // what is to have no pods takes no workload from what is
	slices.SortStableFunc(order, func(a, b vim.Workload) int {
		switch {
		case none(a) == none(b):
			return 0
		case none(b):
			return -1
		default:
			return 1
		}
	})
	for _, w := range order {
		n := l.workload(w, all, taken)
		if n == nil && none(w) { // a chart may render no workload for it
			continue
		}
		if n == nil {
			var have []string
			for _, x := range all {
				have = append(have, x.GetKind()+" "+x.GetName())
			}
			return vnfm.Errorf(vnfm.Unprocessable, "the chart has no workload for the VDU %s (called %s); it has %s", w.Vdu, strings.Join(w.Names, ", "), strings.Join(have, ", "))
		}
		taken[n] = true
		r := refOfNode(n)
		l.unit.Of[workloadKey(r)] = w.Vdu
		want, counted := l.unit.Counts[w.Vdu]
		if !counted || !kube.Counted(r) || scaled[workloadKey(r)] {
			continue
		}
		if err := count(n, r, w, want); err != nil {
			return err
		}
	}
	return nil
}

// count has a workload have as many pods as are wanted: by the value that is said to count them, else by its replicas.
func count(n *yaml.RNode, r kube.Ref, w vim.Workload, want int) error {
	field, err := n.Pipe(yaml.Lookup("spec", "replicas"))
	if err != nil {
		return vnfm.Wrap(vnfm.Unprocessable, err, "the %s %s", r.Kind.Kind, r.Name)
	}
	has := 1
	if field != nil {
		if has, err = strconv.Atoi(strings.TrimSpace(field.YNode().Value)); err != nil {
			return vnfm.Errorf(vnfm.Unprocessable, "the replicas of the %s %s are no number", r.Kind.Kind, r.Name)
		}
	}
	switch {
	case has == want:
		return nil
	case w.Value != "":
		return vnfm.Errorf(vnfm.Unprocessable, "the VDU %s is to have %d pods, and with the value %s of the chart at %d the %s %s has %d", w.Vdu, want, w.Value, want, r.Kind.Kind, r.Name, has)
	}
	if err := n.PipeE(yaml.LookupCreate(yaml.MappingNode, "spec"), yaml.SetField("replicas", yaml.NewScalarRNode(strconv.Itoa(want)))); err != nil {
		return vnfm.Wrap(vnfm.Unprocessable, err, "the %s %s", r.Kind.Kind, r.Name)
	}
	return nil
}

// workload returns the workload of a VDU: one that is called as the VDU is, with the release's name beside it or not; else one of which
// that is a part of the name, or the component; else the only one there is.
func (l *labeller) workload(w vim.Workload, all []*yaml.RNode, taken map[*yaml.RNode]bool) *yaml.RNode {
	fits := func(f func(name, want, component string) bool) *yaml.RNode {
		for _, want := range w.Names {
			want = strings.ToLower(want)
			for _, n := range all {
				if taken[n] || w.Kind != "" && w.Kind != n.GetKind() {
					continue
				}
				if f(n.GetName(), want, strings.ToLower(n.GetLabels()["app.kubernetes.io/component"])) {
					return n
				}
			}
		}
		return nil
	}
	for _, f := range []func(name, want, component string) bool{
		func(name, want, _ string) bool { return name == want },
		func(name, want, _ string) bool { return name == want+"-"+l.name || name == l.name+"-"+want },
		func(_, want, component string) bool { return component == want },
		func(name, want, _ string) bool {
			parts, wanted := "-"+name+"-", "-"+want+"-"
			return strings.Contains(parts, wanted)
		},
	} {
		if n := fits(f); n != nil {
			return n
		}
	}
	if len(l.unit.Workloads) == 1 && len(all) == 1 && (w.Kind == "" || w.Kind == all[0].GetKind()) {
		return all[0]
	}
	return nil
}

// mark has an object, and the pods that it makes, say whose they are.
func (l *labeller) mark(n *yaml.RNode) error {
	t, err := vim.ParseToken(l.unit.Token)
	if err != nil {
		return vnfm.Wrap(vnfm.Internal, err, "the token of the release")
	}
	set := func(at *yaml.RNode, labels map[string]string) error {
		for _, k := range slices.Sorted(maps.Keys(labels)) {
			if err := at.PipeE(yaml.SetLabel(k, labels[k])); err != nil {
				return vnfm.Wrap(vnfm.Unprocessable, err, "the labels of the %s %s", n.GetKind(), n.GetName())
			}
		}
		return nil
	}
	owned := map[string]string{kube.LabelOwner: kube.Label(l.unit.Owner), kube.LabelUnit: kube.TokenLabel(t)}
	r := refOfNode(n)
	pods := map[string]string{labelWorkload: kube.Label(r.Kind.Kind + "." + r.Name)}
	if vdu := l.unit.Of[workloadKey(r)]; vdu != "" {
		pods[labelVdu] = kube.Label(vdu)
	}
	for k, v := range owned {
		pods[k] = v
	}
	path := kube.Template(r)
	if path == nil {
		if r.Kind.Group == "" && r.Kind.Kind == "Pod" && n.GetAnnotations()[hookAnnotation] == "" {
			return set(n, pods)
		}
		return set(n, owned)
	}
	if err := set(n, owned); err != nil {
		return err
	}
	template, err := n.Pipe(yaml.Lookup(path...))
	if err != nil || template == nil {
		return vnfm.Errorf(vnfm.Unprocessable, "the %s %s has no template of pods", r.Kind.Kind, r.Name)
	}
	if n.GetAnnotations()[hookAnnotation] != "" {
		return set(template, owned)
	}
	return set(template, pods)
}
