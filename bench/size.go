package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vnfm/vnfm/internal/dbtest"
)

// sizes are the VNFCs of the VNFs that are measured; costs are given against those of the first.
//
//nolint:gochecknoglobals // data
var sizes = []int{10, 100, 200, 1000}

// scalings is how often a VNF of each size is scaled out and in again.
const scalings = 25

// measureSize instantiates and terminates VNFs of some sizes, one port for each VNFC, and says what a resource costs. The program
// runs in a process of its own, so that whoever watches is not counted; meanwhile another VNF is read all the time.
func measureSize(ctx context.Context, t table, cluster *dbtest.Cluster) error {
	dir, err := os.MkdirTemp("", "vnfm-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin := filepath.Join(dir, "vnfmd")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/vnfmd").CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w: %s", err, out)
	}
	for _, backend := range []string{"sqlite", "postgresql"} {
		if err := sizesOn(ctx, t, cluster, backend, bin, filepath.Join(dir, backend)); err != nil {
			return fmt.Errorf("%s: %w", backend, err)
		}
	}
	return nil
}

func sizesOn(ctx context.Context, t table, cluster *dbtest.Cluster, backend, bin, data string) error {
	args := []string{"serve", "--data=" + data, "--log-level=error", "--operation-step-timeout=10s"}
	if backend == "postgresql" {
		url, drop, err := cluster.Database(ctx)
		if err != nil {
			return err
		}
		defer drop()
		args = append(args, "--database="+url)
	}
	p, err := launch(ctx, bin, args)
	if err != nil {
		return err
	}
	defer p.stop()
	var first, one time.Duration
	for i, n := range sizes {
		l := &load{url: p.url, flavour: "f", client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
		csar, err := sized(n)
		if err != nil {
			return err
		}
		if err := l.onboard(ctx, csar); err != nil {
			return err
		}
		s, err := l.whole(ctx, cluster, p, n)
		if err != nil {
			return fmt.Errorf("%d VNFCs: %w", n, err)
		}
		each := s.program / time.Duration(s.resources)
		step := (s.scaled + s.scaledDatabase) / (2 * scalings)
		if i == 0 {
			first, one = each, step
		}
		t.row(fmt.Sprintf("VNF of %d VNFCs, %s: scale out or in by one VNFC", n, backend),
			fmt.Sprintf("%.1f ms of processor time an operation", ms(step)),
			fmt.Sprintf("× %.2f of that at %d (goal ≤ 1.20); GET of it p50 %.1f ms; filter on its VNFCs %.1f ms", float64(step)/float64(one), sizes[0], ms(s.get), ms(s.filter)))
		t.row(fmt.Sprintf("VNF of %d VNFCs, %s: instantiate and terminate", n, backend),
			fmt.Sprintf("%.2f ms of processor time a resource", ms(each)),
			fmt.Sprintf("× %.2f of that at %d; PostgreSQL %.2f ms more; %.1f s and %.1f s for %d resources; other VNF's GET p99 %.1f ms; memory %d MiB",
				float64(each)/float64(first), sizes[0], ms(s.database/time.Duration(s.resources)), s.up.Seconds(), s.down.Seconds(), s.resources, ms(s.p99), s.memory>>20))
	}
	return nil
}

// sizing is what one VNF cost.
type sizing struct {
	resources         int // made and released
	up, down          time.Duration
	program, database time.Duration
	// scaled is what scalings out and as many in cost, by one VNFC each.
	scaled, scaledDatabase time.Duration
	get, filter            time.Duration // of reading it
	p99                    time.Duration // of reading another VNF meanwhile
	memory                 int64         // the program's, at its highest
}

// whole instantiates and terminates a VNF while another one is read.
func (l *load) whole(ctx context.Context, cluster *dbtest.Cluster, p *program, n int) (sizing, error) {
	other, err := l.create(ctx)
	if err != nil {
		return sizing{}, err
	}
	id, err := l.create(ctx)
	if err != nil {
		return sizing{}, err
	}
	s := sizing{resources: 2*n + 2} // a compute and a port each, a network and its subnet
	var took []time.Duration
	counted := func(task, body string) (time.Duration, error) {
		before, own := cluster.CPU(), p.cpu()
		begin := time.Now()
		reads, err := l.reading(ctx, other, func() error { return l.operate(ctx, id, task, body) })
		took = append(took, reads...)
		s.program, s.database = s.program+p.cpu()-own, s.database+cluster.CPU()-before
		return time.Since(begin), err
	}
	if s.up, err = counted("instantiate", `{"flavourId":"f"}`); err != nil {
		return s, err
	}
	if err := l.scalings(ctx, cluster, p, id, &s); err != nil {
		return s, err
	}
	if err := l.reads(ctx, id, &s); err != nil {
		return s, err
	}
	s.down, err = counted("terminate", `{"terminationType":"FORCEFUL"}`)
	slices.Sort(took)
	s.p99 = result{took: took}.at(0.99)
	s.memory = p.memory()
	return s, err
}

// reading reads a VNF at a reader's pace while something else is done, and returns how long each time took.
func (l *load) reading(ctx context.Context, vnf string, while func() error) ([]time.Duration, error) {
	reading, done := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var took []time.Duration
	wg.Go(func() {
		for reading.Err() == nil {
			begin := time.Now()
			if _, err := l.call(reading, "GET", "/vnflcm/v2/vnf_instances/"+vnf, nil, nil); err == nil {
				took = append(took, time.Since(begin))
			}
			time.Sleep(20 * time.Millisecond) // a reader's pace
		}
	})
	err := while()
	done()
	wg.Wait()
	return took, err
}

// reads takes a VNF whole, and selects it by what it has most of, again and again.
func (l *load) reads(ctx context.Context, id string, s *sizing) error {
	const vnfs = "/vnflcm/v2/vnf_instances"
	for _, read := range []struct {
		path string
		took *time.Duration
	}{{vnfs + "/" + id, &s.get}, {vnfs + "?filter=(eq,instantiatedVnfInfo/vnfcResourceInfo/vduId,vdu);(eq,id," + id + ")", &s.filter}} {
		var took []time.Duration
		for range 15 {
			begin := time.Now()
			if err := l.fetch(ctx, read.path); err != nil {
				return err
			}
			took = append(took, time.Since(begin))
		}
		slices.Sort(took)
		*read.took = result{took: took}.at(0.5)
	}
	return nil
}

// scalings scales a VNF out and in by one VNFC, again and again.
func (l *load) scalings(ctx context.Context, cluster *dbtest.Cluster, p *program, id string, s *sizing) error {
	for i := range scalings + 1 {
		if i == 1 { // the first is for whatever is done once
			s.scaled, s.scaledDatabase = p.cpu(), cluster.CPU()
		}
		for _, kind := range []string{"SCALE_OUT", "SCALE_IN"} {
			if err := l.operate(ctx, id, "scale", `{"type":"`+kind+`","aspectId":"more"}`); err != nil {
				return err
			}
		}
	}
	s.scaled, s.scaledDatabase = p.cpu()-s.scaled, cluster.CPU()-s.scaledDatabase
	return nil
}

func (l *load) create(ctx context.Context) (string, error) {
	var vnf struct {
		ID string `json:"id"`
	}
	_, err := l.call(ctx, "POST", "/vnflcm/v2/vnf_instances", strings.NewReader(`{"vnfdId":"`+l.vnfd+`"}`), &vnf)
	return vnf.ID, err
}

// operate begins an operation and waits for its end.
func (l *load) operate(ctx context.Context, id, task, body string) error {
	answer, err := l.call(ctx, "POST", "/vnflcm/v2/vnf_instances/"+id+"/"+task, strings.NewReader(body), nil)
	if err != nil {
		return err
	}
	op := answer.Get("Location")
	path := "/vnflcm/v2/vnf_lcm_op_occs?exclude_fields=resourceChanges,operationParams&filter=(eq,id," + op[strings.LastIndexByte(op, '/')+1:] + ")"
	for {
		var ops []struct {
			State string `json:"operationState"`
		}
		if _, err := l.call(ctx, "GET", path, nil, &ops); err != nil {
			return err
		}
		for _, o := range ops {
			switch o.State {
			case "COMPLETED":
				return nil
			case "FAILED", "FAILED_TEMP", "ROLLED_BACK":
				return fmt.Errorf("%s ended %s", task, o.State)
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// program is the program in a process of its own.
type program struct {
	cmd *exec.Cmd
	url string
}

func launch(ctx context.Context, bin string, args []string) (*program, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	at := free.Addr().String()
	_ = free.Close()
	p := &program{cmd: exec.CommandContext(ctx, bin, append(args, "--listen="+at)...), url: "http://" + at}
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	l := &load{url: p.url, client: http.DefaultClient}
	for range 300 {
		if _, err = l.call(ctx, "GET", "/readyz", nil, nil); err == nil {
			return p, nil
		}
		time.Sleep(100 * time.Millisecond) // until it is ready
	}
	p.stop()
	return nil, fmt.Errorf("the program does not become ready: %w", err)
}

func (p *program) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	_ = p.cmd.Wait()
}

// cpu is the processor time the process has used.
func (p *program) cpu() time.Duration {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // ticks of a hundredth of a second
}

// memory is the most memory the process had, in bytes.
func (p *program) memory() int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// sized is a package whose VNF has n VNFCs with one port each on one link.
func sized(n int) ([]byte, error) {
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
	files := map[string]string{
		"TOSCA-Metadata/TOSCA.meta": "TOSCA-Meta-File-Version: 1.1\nCSAR-Version: 1.1\nCreated-By: bench\nEntry-Definitions: Definitions/vnfd.yaml\nETSI-Entry-Manifest: vnf.mf\nETSI-Entry-Change-Log: ChangeLog.txt\n",
		"ChangeLog.txt":             "1.0\n",
		"vnf.mf":                    "metadata:\nvnf_product_name: Sized\nvnf_provider_id: Bench\nvnf_package_version: '1.0'\nvnf_release_date_time: 2026-01-01T00:00:00+00:00\n",
		"Definitions/vnfd.yaml":     strings.NewReplacer("$ID", id, "$N", strconv.Itoa(n), "$M", strconv.Itoa(n+1)).Replace(sizedVnfd),
	}
	return zipped(files)
}

// zipped is a package of files.
func zipped(files map[string]string) ([]byte, error) {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, text := range files {
		w, err := z.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(text)); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return buf.Bytes(), err
}

const sizedVnfd = `tosca_definitions_version: tosca_simple_yaml_1_2
imports: [ etsi_nfv_sol001_vnfd_types.yaml ]
node_types:
  bench.Sized:
    derived_from: tosca.nodes.nfv.VNF
    properties:
      descriptor_id: { type: string, default: "$ID" }
      descriptor_version: { type: string, default: "1.0" }
      provider: { type: string, default: Bench }
      product_name: { type: string, default: Sized }
      software_version: { type: string, default: "1.0" }
      vnfm_info: { type: list, entry_schema: { type: string }, default: [ "0:vnfm" ] }
      flavour_id: { type: string, default: f }
      flavour_description: { type: string, default: one }
topology_template:
  substitution_mappings: { node_type: bench.Sized, properties: { flavour_id: f } }
  node_templates:
    VNF: { type: bench.Sized, properties: { flavour_description: one } }
    vdu:
      type: tosca.nodes.nfv.Vdu.Compute
      properties:
        name: vdu
        description: a machine
        vdu_profile: { min_number_of_instances: 1, max_number_of_instances: $M }
        sw_image_data: { name: cirros, version: "0.4", checksum: { algorithm: sha-256, hash: 7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730 }, container_format: bare, disk_format: qcow2, min_disk: 1 GiB, size: 1 GiB }
      capabilities:
        virtual_compute:
          properties:
            virtual_memory: { virtual_mem_size: 512 MiB }
            virtual_cpu: { num_virtual_cpu: 1 }
            virtual_local_storage: [ { size_of_storage: 3 GiB } ]
` + sizedRest

// sizedRest is of each VNFD here: the connection point and the link of the VNFCs, how many there are, and how many more there may be.
const sizedRest = `    cp:
      type: tosca.nodes.nfv.VduCp
      properties: { layer_protocols: [ ipv4 ], order: 0 }
      requirements: [ { virtual_binding: vdu }, { virtual_link: vl } ]
    vl:
      type: tosca.nodes.nfv.VnfVirtualLink
      properties:
        connectivity_type: { layer_protocols: [ ipv4 ] }
        description: a link
        vl_profile:
          max_bitrate_requirements: { root: 1000000 }
          min_bitrate_requirements: { root: 1000 }
          virtual_link_protocol_data:
            - associated_layer_protocol: ipv4
              l3_protocol_data: { ip_version: ipv4, cidr: 10.0.0.0/16, dhcp_enabled: true }
  policies:
    - initial: { type: tosca.policies.nfv.VduInitialDelta, properties: { initial_delta: { number_of_instances: $N } }, targets: [ vdu ] }
    - aspects: { type: tosca.policies.nfv.ScalingAspects, properties: { aspects: { more: { name: more, description: more, max_scale_level: 1, step_deltas: [ one ] } } } }
    - deltas: { type: tosca.policies.nfv.VduScalingAspectDeltas, properties: { aspect: more, deltas: { one: { number_of_instances: 1 } } }, targets: [ vdu ] }
`
