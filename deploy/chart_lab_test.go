//go:build kubernetes

package deploy

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v4/pkg/action"
	helmkube "helm.sh/helm/v4/pkg/kube"
	release "helm.sh/helm/v4/pkg/release/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"

	"github.com/vnfm/vnfm/vim/kubernetes/kubetest"
)

// patience is how long the cluster may take for one step.
const patience = 2 * time.Minute

// site is a namespace of a cluster that vnfm is installed in.
type site struct {
	t         *testing.T
	namespace string
	client    *kubernetes.Clientset
	helm      *action.Configuration
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, namespace: kubetest.New(t, "").Namespace}
	flags := genericclioptions.NewConfigFlags(false)
	kubeconfig := os.Getenv("VNFM_TEST_KUBECONFIG")
	flags.KubeConfig, flags.Namespace = &kubeconfig, &s.namespace
	config, err := flags.ToRESTConfig()
	if err == nil {
		s.client, err = kubernetes.NewForConfig(config)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.helm = action.NewConfiguration()
	if err := s.helm.Init(flags, s.namespace, "secret"); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]map[string]string{
		"vnfm-database": {"url": "postgres://vnfm@db/vnfm"}, "vnfm-keys": {"secret.key": "a2V5"}, "vnfm-api-token": {"token": "twelve characters"},
	} {
		if _, err := s.client.CoreV1().Secrets(s.namespace).Create(t.Context(), &core.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: data}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// contents names all that is in the namespace.
func (s *site) contents() []string {
	s.t.Helper()
	var out []string
	_, lists, err := s.client.Discovery().ServerGroupsAndResources()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, l := range lists {
		for _, r := range l.APIResources {
			if !r.Namespaced || !slices.Contains(r.Verbs, "list") || strings.Contains(r.Name, "event") || r.Name == "endpoints" || strings.Contains(r.Name, "/") {
				continue
			}
			path := "/apis/" + l.GroupVersion
			if l.GroupVersion == "v1" {
				path = "/api/v1"
			}
			var all metav1.PartialObjectMetadataList
			if err := s.client.CoreV1().RESTClient().Get().AbsPath(path, "namespaces", s.namespace, r.Name).Do(s.t.Context()).Into(&all); err != nil {
				s.t.Fatalf("%s of %s: %v", r.Name, l.GroupVersion, err)
			}
			for i := range all.Items {
				out = append(out, r.Name+"/"+all.Items[i].Name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// settled waits until an update has come to its end: as many pods as wanted, all ready, all of one image.
func (s *site) settled(replicas int32, image string) {
	s.t.Helper()
	s.until(func() (bool, string) {
		d, pods := s.deployment(), s.pods()
		images := map[string]bool{}
		for i := range pods {
			images[pods[i].Spec.Containers[0].Image] = true
		}
		return d.Status.ObservedGeneration == d.Generation && d.Status.ReadyReplicas == replicas && len(pods) == int(replicas) && len(images) == 1 && images[image],
			fmt.Sprintf("it does not come to %d pods of %s: %d pods of %v, %+v", replicas, image, len(pods), images, d.Status)
	})
}

func (s *site) deployment() *apps.Deployment {
	s.t.Helper()
	d, err := s.client.AppsV1().Deployments(s.namespace).Get(s.t.Context(), "vnfm", metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *site) pods() []core.Pod {
	s.t.Helper()
	all, err := s.client.CoreV1().Pods(s.namespace).List(s.t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=vnfm"})
	if err != nil {
		s.t.Fatal(err)
	}
	return all.Items
}

// ready watches the pods until the function that it returns is called, which says how few were ready at any moment, how many there were at
// most, and of which images the ready ones were. A pod that is told to go does not count: no request is sent to it.
func (s *site) ready() func() (least, most int, images []string) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	pods := map[string]*core.Pod{}
	list, err := s.client.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range list.Items {
		pods[list.Items[i].Name] = &list.Items[i]
	}
	w, err := s.client.CoreV1().Pods(s.namespace).Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		s.t.Fatal(err)
	}
	least, most := len(pods), 0
	var images []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range w.ResultChan() {
			p, is := e.Object.(*core.Pod)
			if !is {
				continue
			}
			pods[p.Name] = p
			if e.Type == "DELETED" {
				delete(pods, p.Name)
			}
			n, stay := 0, 0
			for _, p := range pods {
				if p.DeletionTimestamp != nil {
					continue
				}
				stay++
				for _, c := range p.Status.Conditions {
					if c.Type == core.PodReady && c.Status == core.ConditionTrue {
						n++
						images = append(images, p.Spec.Containers[0].Image)
					}
				}
			}
			least, most = min(least, n), max(most, stay)
		}
	}()
	return func() (int, int, []string) {
		w.Stop()
		cancel()
		<-done
		slices.Sort(images)
		return least, most, slices.Compact(images)
	}
}

// TestChartOnACluster installs the chart, updates it, takes the update back, and removes it. At no moment of an update are there fewer
// ready pods than nodes are wanted, and in the end all is as it was before. The pods run nothing: what a node does when it is stopped is
// proved by tests of the server. Seen failing with maxUnavailable 2 and no surge.
func TestChartOnACluster(t *testing.T) {
	s := newSite(t)
	before := s.contents()
	chart := made(t)
	image := func(tag string) string { return "registry.example/vnfm:" + tag }
	values := func(tag string, replicas int) map[string]any {
		return map[string]any{"replicas": replicas, "image": map[string]any{"repository": "registry.example/vnfm", "tag": tag}}
	}
	install := action.NewInstall(s.helm)
	install.ReleaseName, install.Namespace, install.WaitStrategy, install.Timeout = "vnfm", s.namespace, helmkube.StatusWatcherStrategy, patience
	done, err := install.RunWithContext(t.Context(), chart, values("", 3))
	if err != nil {
		t.Fatal(err)
	}
	version := strings.ReplaceAll(chart.Metadata.AppVersion, "+", "-")
	s.settled(3, image(version))
	if notes := done.(*release.Release).Info.Notes; !strings.Contains(notes, "3 nodes") || !strings.Contains(notes, "port-forward service/vnfm ") {
		t.Errorf("the notes are %s", notes)
	}
	s.stands(3)
	s.takes(fmt.Sprintf("after the install of %s", version))

	update := func(what string, replicas int32, to string, f func() error) {
		t.Helper()
		seen := s.ready()
		if err := f(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		s.settled(replicas, to)
		least, most, images := seen()
		if least < int(replicas) || most > int(replicas)+1 || len(images) != 2 {
			t.Errorf("%s: %d pods were ready at least, there were %d at most, of %v", what, least, most, images)
		}
		t.Logf("%s: %d ready at least, %d at most", what, least, most)
		s.stands(int(replicas))
	}
	update("update", 3, image("v2"), func() error {
		u := action.NewUpgrade(s.helm)
		u.Namespace, u.WaitStrategy, u.Timeout = s.namespace, helmkube.StatusWatcherStrategy, patience
		_, err := u.RunWithContext(t.Context(), "vnfm", chart, values("v2", 3))
		return err
	})
	update("roll back", 3, image(version), func() error {
		r := action.NewRollback(s.helm)
		r.Version, r.WaitStrategy, r.Timeout = 1, helmkube.StatusWatcherStrategy, patience
		return r.Run("vnfm")
	})
	u := action.NewUninstall(s.helm)
	u.WaitStrategy, u.Timeout = helmkube.StatusWatcherStrategy, patience
	if _, err := u.Run("vnfm"); err != nil {
		t.Fatal(err)
	}
	s.gone(before)
}

// stands: the service leads to the pods, and the budget lets one of them go.
func (s *site) stands(replicas int) {
	s.t.Helper()
	s.until(func() (bool, string) {
		slices, err := s.client.DiscoveryV1().EndpointSlices(s.namespace).List(s.t.Context(), metav1.ListOptions{LabelSelector: labels.Set{"kubernetes.io/service-name": "vnfm"}.String()})
		if err != nil {
			s.t.Fatal(err)
		}
		leads := 0
		for i := range slices.Items {
			for _, e := range slices.Items[i].Endpoints {
				if e.Conditions.Ready != nil && *e.Conditions.Ready {
					leads++
				}
			}
		}
		b, err := s.client.PolicyV1().PodDisruptionBudgets(s.namespace).Get(s.t.Context(), "vnfm", metav1.GetOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		return leads == replicas && b.Status.DisruptionsAllowed == 1 && int(b.Status.CurrentHealthy) == replicas,
			fmt.Sprintf("the service leads to %d of %d pods, the budget is %+v", leads, replicas, b.Status)
	})
}

// takes: what the cluster has is what was sent, so that nothing of it was dropped or not known.
func (s *site) takes(when string) {
	s.t.Helper()
	d := s.deployment().Spec.Template.Spec
	if d.Containers[0].Lifecycle == nil || d.Containers[0].Lifecycle.PreStop.Sleep == nil || d.Containers[0].Lifecycle.PreStop.Sleep.Seconds == 0 ||
		d.EnableServiceLinks == nil || *d.EnableServiceLinks || d.SecurityContext.SeccompProfile == nil || len(d.TopologySpreadConstraints) != 1 {
		s.t.Errorf("%s the pods are %+v", when, d)
	}
}

// gone waits until the namespace has what it had.
func (s *site) gone(before []string) {
	s.t.Helper()
	s.until(func() (bool, string) {
		after := s.contents()
		return slices.Equal(after, before), fmt.Sprintf("it has %v, had %v", after, before)
	})
}

// until looks until something is so, as long as its patience lasts; then it fails with what was seen last.
func (s *site) until(so func() (is bool, seen string)) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		is, seen := so()
		if is {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatal(seen)
		}
	}
}
