package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/embed"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/klog/v2"
	apiserverapp "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	kcmapp "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	kcmoptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	schedapp "k8s.io/kubernetes/cmd/kube-scheduler/app"
	schedoptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"

	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	nodelease "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
)

//go:embed stages.yaml
var labStages string

var processCtx context.Context

func baseCtx() context.Context {
	if processCtx == nil {
		processCtx = genericapiserver.SetupSignalContext() // panics if called twice
	}
	return processCtx
}

func parse(sets cliflag.NamedFlagSets, args []string) error {
	fs := pflag.NewFlagSet("c", pflag.ContinueOnError)
	for _, f := range sets.FlagSets {
		fs.AddFlagSet(f)
	}
	return fs.Parse(args)
}

// up runs the cluster until a signal, and returns the exit code.
func up() int {
	start := time.Now()
	fl := flag.NewFlagSet("up", flag.ExitOnError)
	dir := fl.String("dir", "", "state directory (default: a new temp dir, removed on exit)")
	port := fl.Int("port", 0, "apiserver port on 127.0.0.1 (0: a free one)")
	nodes := fl.Int("nodes", 3, "number of fake nodes")
	cpu := fl.String("node-cpu", "32", "allocatable cpu per fake node")
	mem := fl.String("node-memory", "128Gi", "allocatable memory per fake node")
	logFile := fl.String("log", "", "component log file (default DIR/k8slab.log)")
	verbose := fl.Int("v", 0, "klog level")
	_ = fl.Parse(os.Args[1:])

	if *dir == "" {
		d, err := os.MkdirTemp("", "k8slab-")
		if err != nil {
			return fail(err)
		}
		defer os.RemoveAll(d)
		*dir = d
	}
	abs, err := filepath.Abs(*dir)
	if err != nil {
		return fail(err)
	}
	*dir = abs
	if err := os.MkdirAll(*dir, 0o700); err != nil {
		return fail(err)
	}
	if *logFile == "" {
		*logFile = filepath.Join(*dir, "k8slab.log")
	}
	lf, err := os.OpenFile(*logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fail(err)
	}
	kf := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(kf)
	_ = kf.Parse([]string{"--logtostderr=false", "--alsologtostderr=false", "--stderrthreshold=FATAL", "--one_output=true", fmt.Sprintf("--v=%d", *verbose)})
	klog.SetOutput(lf)
	rest.SetDefaultWarningHandler(rest.NoWarnings{})

	ctx, cancel := context.WithCancel(baseCtx())
	defer cancel()
	// a DIR that was up before keeps its port, PKI, kubeconfigs and etcd data, so a
	// test can stop the cluster and bring it back (VIM outage) under the same kubeconfig
	portFile := filepath.Join(*dir, "port")
	reuse := false
	if b, err := os.ReadFile(portFile); err == nil {
		if _, err := fmt.Sscan(string(b), port); err != nil {
			return fail(err)
		}
		reuse = true
	}
	if *port == 0 {
		*port = mustFreePort()
	}
	errc := make(chan error, 8)

	// --- PKI + kubeconfigs
	p := &pki{dir: filepath.Join(*dir, "pki")}
	if !reuse {
		if p, err = newPKI(p.dir); err != nil {
			return fail(err)
		}
		if _, _, err := p.issue("apiserver", "kube-apiserver", nil, true); err != nil {
			return fail(err)
		}
	}
	server := fmt.Sprintf("https://127.0.0.1:%d", *port)
	kubeconfigs := map[string]string{}
	for name, id := range map[string][]string{
		"admin":              {"kubernetes-admin", "system:masters"},
		"controller-manager": {"system:kube-controller-manager"},
		"scheduler":          {"system:kube-scheduler"},
		"kwok":               {"kwok", "system:masters"},
	} {
		f := filepath.Join(*dir, name+".kubeconfig")
		kubeconfigs[name] = f
		if reuse {
			continue
		}
		crt, key, err := p.issue(name, id[0], id[1:], false)
		if err != nil {
			return fail(err)
		}
		if err := writeKubeconfig(f, server, p.caPEM, crt, key); err != nil {
			return fail(err)
		}
	}
	if err := os.WriteFile(portFile, fmt.Append(nil, *port), 0o600); err != nil {
		return fail(err)
	}

	// --- etcd (embedded)
	ec := embed.NewConfig()
	ec.Dir = filepath.Join(*dir, "etcd")
	etcdURL := url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", mustFreePort())}
	peerURL := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	ec.ListenClientUrls, ec.AdvertiseClientUrls = []url.URL{etcdURL}, []url.URL{etcdURL}
	ec.ListenPeerUrls, ec.AdvertisePeerUrls = []url.URL{peerURL}, []url.URL{peerURL}
	ec.InitialCluster = ec.InitialClusterFromName(ec.Name)
	ec.UnsafeNoFsync = true // test data only
	ec.LogLevel, ec.LogOutputs = "error", []string{filepath.Join(*dir, "etcd.log")}
	etcd, err := embed.StartEtcd(ec)
	if err != nil {
		return fail(err)
	}
	defer etcd.Close()
	select {
	case <-etcd.Server.ReadyNotify():
	case <-time.After(30 * time.Second):
		return fail(fmt.Errorf("etcd not ready in 30s"))
	}
	tEtcd := time.Since(start)

	// --- kube-apiserver
	as := apiserveroptions.NewServerRunOptions()
	if err := parse(as.Flags(), []string{
		"--etcd-servers=" + etcdURL.String(),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", *port),
		"--endpoint-reconciler-type=none", // the lease reconciler rejects a loopback address
		"--tls-cert-file=" + p.path("apiserver.crt"), "--tls-private-key-file=" + p.path("apiserver.key"),
		"--client-ca-file=" + p.path("ca.crt"),
		"--service-account-key-file=" + p.path("sa.key"), "--service-account-signing-key-file=" + p.path("sa.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-cluster-ip-range=10.96.0.0/16",
		"--authorization-mode=Node,RBAC", "--allow-privileged=true",
		"--profiling=false", "--event-ttl=1h",
	}); err != nil {
		return fail(err)
	}
	if err := as.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return fail(err)
	}
	aso, err := as.Complete(ctx)
	if err != nil {
		return fail(err)
	}
	if errs := aso.Validate(); len(errs) > 0 {
		return fail(utilerrors.NewAggregate(errs))
	}
	asDone := make(chan struct{})
	go func() {
		defer close(asDone)
		if err := apiserverapp.Run(ctx, aso); err != nil && ctx.Err() == nil {
			errc <- fmt.Errorf("kube-apiserver: %w", err)
		}
	}()

	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfigs["admin"])
	if err != nil {
		return fail(err)
	}
	cfg.QPS, cfg.Burst = 200, 400
	cs := kubernetes.NewForConfigOrDie(cfg)
	if err := poll(ctx, errc, 90*time.Second, 50*time.Millisecond, func() (bool, error) {
		b, err := cs.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err == nil && string(b) == "ok", nil
	}); err != nil {
		return fail(fmt.Errorf("apiserver /readyz: %w", err))
	}
	tReadyz := time.Since(start)

	// --- kube-controller-manager
	ko, err := kcmoptions.NewKubeControllerManagerOptions()
	if err != nil {
		return fail(err)
	}
	all, disabled, aliases := kcmapp.KnownControllers(), kcmapp.ControllersDisabledByDefault(), kcmapp.ControllerAliases()
	kfs := ko.Flags(all, disabled, aliases)
	ko.ParsedFlags = &kfs
	if err := parse(kfs, []string{
		"--kubeconfig=" + kubeconfigs["controller-manager"],
		"--secure-port=0", "--leader-elect=false", "--profiling=false",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + p.path("sa.key"), "--root-ca-file=" + p.path("ca.crt"),
		"--cluster-signing-cert-file=" + p.path("ca.crt"), "--cluster-signing-key-file=" + p.path("ca.key"),
		"--allocate-node-cidrs=false", "--kube-api-qps=300", "--kube-api-burst=600",
	}); err != nil {
		return fail(err)
	}
	kc, err := ko.Config(ctx, all, disabled, aliases)
	if err != nil {
		return fail(fmt.Errorf("kube-controller-manager: %w", err))
	}
	go func() {
		if err := kcmapp.Run(ctx, kc.Complete()); ctx.Err() == nil {
			errc <- fmt.Errorf("kube-controller-manager stopped: %w", err)
		}
	}()

	// --- kube-scheduler
	so := schedoptions.NewOptions()
	if err := parse(*so.Flags, []string{
		"--kubeconfig=" + kubeconfigs["scheduler"],
		"--secure-port=0", "--leader-elect=false", "--profiling=false",
		"--kube-api-qps=300", "--kube-api-burst=600",
	}); err != nil {
		return fail(err)
	}
	scc, sched, err := schedapp.Setup(ctx, so)
	if err != nil {
		return fail(fmt.Errorf("kube-scheduler: %w", err))
	}
	go func() {
		if err := schedapp.Run(ctx, scc, sched); ctx.Err() == nil {
			errc <- fmt.Errorf("kube-scheduler stopped: %w", err)
		}
	}()

	// --- KWOK. It holds a lease per node; those of a previous run would keep the
	// nodes unmanaged until they expire (40 s).
	if reuse {
		if err := cs.CoordinationV1().Leases("kube-node-lease").DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
			return fail(err)
		}
	}
	stageFile := filepath.Join(*dir, "stages.yaml")
	if err := os.WriteFile(stageFile, []byte(strings.Join([]string{
		nodefast.DefaultNodeInit, nodelease.DefaultNodeHeartbeatWithLease,
		podfast.DefaultPodComplete, podfast.DefaultPodDelete, labStages}, "\n---\n")), 0o600); err != nil {
		return fail(err)
	}
	kargs := []string{"--config=" + stageFile, "--kubeconfig=" + kubeconfigs["kwok"],
		"--manage-all-nodes=true", "--node-lease-duration-seconds=40", "--cidr=10.128.0.1/16", "--v=WARN"}
	kw, err := newKwokCommand(kargs)
	if err != nil {
		return fail(fmt.Errorf("kwok: %w", err))
	}
	kctx, kcancel := context.WithCancel(kw.Context())
	defer kcancel()
	go func() {
		if err := kw.ExecuteContext(kctx); ctx.Err() == nil {
			errc <- fmt.Errorf("kwok stopped: %w", err)
		}
	}()

	// --- fake nodes, default StorageClass, ready?
	for i := range *nodes {
		if err := createNode(ctx, cs, i, *cpu, *mem); err != nil {
			return fail(err)
		}
	}
	if err := createStorageClass(ctx, cs); err != nil {
		return fail(err)
	}
	if err := poll(ctx, errc, 60*time.Second, 50*time.Millisecond, func() (bool, error) {
		if _, err := cs.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return false, nil
		}
		l, err := cs.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, nil
		}
		n := 0
		for _, nd := range l.Items {
			untainted := true
			for _, t := range nd.Spec.Taints {
				untainted = untainted && t.Key != corev1.TaintNodeNotReady
			}
			for _, c := range nd.Status.Conditions {
				if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue && untainted {
					n++
				}
			}
		}
		return n >= *nodes, nil
	}); err != nil {
		return fail(fmt.Errorf("nodes/serviceaccount: %w", err))
	}
	v, _ := cs.Discovery().ServerVersion()
	out, _ := json.Marshal(map[string]any{
		"ready": true, "pid": os.Getpid(), "server": server, "dir": *dir, "kubeconfig": kubeconfigs["admin"],
		"version": v.GitVersion, "etcd_s": tEtcd.Seconds(), "readyz_s": tReadyz.Seconds(), "ready_s": time.Since(start).Seconds(),
	})
	tmp := filepath.Join(*dir, ".ready.tmp")
	if err := os.WriteFile(tmp, append(out, '\n'), 0o600); err != nil {
		return fail(err)
	}
	_ = os.Rename(tmp, filepath.Join(*dir, "ready.json"))
	fmt.Println(string(out))

	rc := 0
	select {
	case <-ctx.Done():
	case err := <-errc:
		rc = fail(err)
	}
	_ = os.Remove(filepath.Join(*dir, "ready.json"))
	cancel()
	kcancel()
	select {
	case <-asDone:
	case <-time.After(5 * time.Second):
	}
	return rc
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "k8slab:", err)
	return 1
}

func poll(ctx context.Context, errc <-chan error, max, every time.Duration, f func() (bool, error)) error {
	t := time.NewTimer(max)
	defer t.Stop()
	for {
		if ok, err := f(); err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-errc:
			return err
		case <-t.C:
			return fmt.Errorf("timed out after %s", max)
		case <-time.After(every):
		}
	}
}

func writeKubeconfig(path, server string, ca, crt, key []byte) error {
	return clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"k8slab": {Server: server, CertificateAuthorityData: bytes.Clone(ca)}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"user": {ClientCertificateData: crt, ClientKeyData: key}},
		Contexts:       map[string]*clientcmdapi.Context{"k8slab": {Cluster: "k8slab", AuthInfo: "user"}},
		CurrentContext: "k8slab",
	}, path)
}

func createNode(ctx context.Context, cs kubernetes.Interface, i int, cpu, mem string) error {
	name := fmt.Sprintf("node-%d", i)
	rl := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(mem),
		corev1.ResourcePods: resource.MustParse("250"), corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
	}
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name,
			Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
			Labels: map[string]string{"type": "kwok", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
				"topology.kubernetes.io/region": "lab", "topology.kubernetes.io/zone": fmt.Sprintf("zone-%d", i%3)}},
		Spec:   corev1.NodeSpec{PodCIDR: fmt.Sprintf("10.128.%d.0/24", i), PodCIDRs: []string{fmt.Sprintf("10.128.%d.0/24", i)}},
		Status: corev1.NodeStatus{Capacity: rl, Allocatable: rl},
	}
	_, err := cs.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func createStorageClass(ctx context.Context, cs kubernetes.Interface) error {
	_, err := cs.StorageV1().StorageClasses().Create(ctx, &storagev1.StorageClass{
		ObjectMeta:  metav1.ObjectMeta{Name: "kwok-volume", Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}},
		Provisioner: "kwok.x-k8s.io/volume",
	}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
