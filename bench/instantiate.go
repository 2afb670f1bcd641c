package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/server"
)

// stepGoals are what an instantiate of ten resources is meant to cost at 64 clients, in engine steps.
var stepGoals = map[string]int{"postgresql": 30, "sqlite": 25} //nolint:gochecknoglobals // data

// measureInstantiate runs whole instantiates over HTTP against the whole program, with a simulated VIM without delay. With many
// clients it is compared with the engine's saga of the same run, whose third is a step.
func measureInstantiate(ctx context.Context, t table, cluster *dbtest.Cluster, floor float64, d time.Duration) error {
	name, csar, flavour := shapes.Web, shapes.CSAR(shapes.Web), "simple"
	for _, backend := range []string{"postgresql", "sqlite"} {
		saga, err := engine(ctx, t, cluster, floor, backend, manyClients, d)
		if err != nil {
			return err
		}
		for _, clients := range []int{1, manyClients} {
			r, err := instantiates(ctx, cluster, backend, clients, d, csar, flavour)
			if err != nil {
				return fmt.Errorf("%s, %d clients: %w", backend, clients, err)
			}
			each := (r.program + r.database) / time.Duration(max(1, len(r.took)))
			note := fmt.Sprintf("%.1f/s, %d run; processor time %.1f ms each, of that PostgreSQL %.1f",
				float64(len(r.took))/d.Seconds(), len(r.took), ms(each), ms(r.database/time.Duration(max(1, len(r.took)))))
			if clients == manyClients {
				note += fmt.Sprintf("; %.0f engine steps (goal ≤ %d)", 3*each.Seconds()/saga.Seconds(), stepGoals[backend])
			}
			t.row(fmt.Sprintf("instantiate of %s, %s, %d clients", name, backend, clients),
				fmt.Sprintf("p50 %.1f ms, p99 %.1f ms", ms(r.at(0.5)), ms(r.at(0.99))), note)
		}
	}
	return nil
}

// manyClients is how many clients there are where there are many.
const manyClients = 64

type result struct {
	took              []time.Duration
	program, database time.Duration
}

func (r result) at(q float64) time.Duration {
	if len(r.took) == 0 {
		return 0
	}
	return r.took[int(q*float64(len(r.took)-1))]
}

// instantiates starts the program in this process and lets clients create and instantiate, one VNF after the other.
func instantiates(ctx context.Context, cluster *dbtest.Cluster, backend string, clients int, d time.Duration, csar []byte, flavour string) (result, error) {
	dir, err := os.MkdirTemp("", "vnfm-bench-")
	if err != nil {
		return result{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	args := []string{"--listen=127.0.0.1:0", "--data=" + dir, "--log-level=error"}
	if backend == "postgresql" {
		url, drop, err := cluster.Database(ctx)
		if err != nil {
			return result{}, err
		}
		defer drop()
		args = append(args, "--database="+url)
	}
	return serve(ctx, args, clients, flavour, func(l *load) (result, error) { return l.run(ctx, cluster, csar, clients, d) })
}

// serve runs the program in this process while clients use it.
func serve(ctx context.Context, args []string, clients int, flavour string, use func(*load) (result, error)) (result, error) {
	c := &config.Config{}
	k, err := kong.New(c)
	if err != nil {
		return result{}, err
	}
	if _, err := k.Parse(args); err != nil {
		return result{}, err
	}
	s, err := server.New(ctx, c, server.Options{Log: os.Stderr})
	if err != nil {
		return result{}, err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(running) }()
	load := &load{url: s.URL(), flavour: flavour, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}}
	r, err := use(load)
	stop()
	return r, errors.Join(err, <-ended)
}

// load is the clients' side.
type load struct {
	url, flavour, vnfd string
	client             *http.Client
}

func (l *load) run(ctx context.Context, cluster *dbtest.Cluster, csar []byte, clients int, d time.Duration) (result, error) {
	if err := l.onboard(ctx, csar); err != nil {
		return result{}, err
	}
	if _, err := l.one(ctx); err != nil { // once, to warm up
		return result{}, err
	}
	before, own := cluster.CPU(), processorTime()
	took, err := client{URL: l.url, VNFD: l.vnfd, Flavour: l.flavour, Clients: clients}.elsewhere(ctx, d)
	return result{took: took, program: processorTime() - own, database: cluster.CPU() - before}, err
}

func (l *load) onboard(ctx context.Context, csar []byte) error {
	var pkg struct {
		ID       string `json:"id"`
		State    string `json:"onboardingState"`
		VnfdID   string `json:"vnfdId"`
		Failure  any    `json:"onboardingFailureDetails"`
		Checksum string `json:"checksum"`
	}
	if _, err := l.call(ctx, "POST", "/vnfpkgm/v2/vnf_packages", strings.NewReader("{}"), &pkg); err != nil {
		return err
	}
	path := "/vnfpkgm/v2/vnf_packages/" + pkg.ID
	if _, err := l.call(ctx, "PUT", path+"/package_content", bytes.NewReader(csar), nil); err != nil {
		return err
	}
	for pkg.State != "ONBOARDED" {
		if pkg.State == "ERROR" {
			return fmt.Errorf("the package is not onboarded: %v", pkg.Failure)
		}
		if _, err := l.call(ctx, "GET", path, nil, &pkg); err != nil {
			return err
		}
	}
	l.vnfd = pkg.VnfdID
	return nil
}

// one creates and instantiates a VNF and returns how long the instantiate took, from its start to COMPLETED, as the program says.
// It looks less and less often, because looking costs the program as well.
func (l *load) one(ctx context.Context) (time.Duration, error) {
	id, err := l.create(ctx)
	if err != nil {
		return 0, err
	}
	h, err := l.call(ctx, "POST", "/vnflcm/v2/vnf_instances/"+id+"/instantiate", strings.NewReader(`{"flavourId":"`+l.flavour+`"}`), nil)
	if err != nil {
		return 0, err
	}
	var op struct {
		State   string    `json:"operationState"`
		Entered time.Time `json:"stateEnteredTime"`
		Start   time.Time `json:"startTime"`
		Error   any       `json:"error"`
	}
	for wait := 10 * time.Millisecond; ; wait += wait / 2 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		if _, err := l.call(ctx, "GET", strings.TrimPrefix(h.Get("Location"), l.url), nil, &op); err != nil {
			return 0, err
		}
		switch op.State {
		case "COMPLETED":
			return op.Entered.Sub(op.Start), nil
		case "FAILED", "ROLLED_BACK", "FAILED_TEMP":
			return 0, fmt.Errorf("the instantiate ended %s: %v", op.State, op.Error)
		}
	}
}

func (l *load) call(ctx context.Context, method, path string, body io.Reader, into any) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, l.url+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if method == "PUT" {
		req.Header.Set("Content-Type", "application/zip")
	}
	res, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, res.Status, b)
	}
	if into != nil {
		err = json.Unmarshal(b, into)
	}
	return res.Header, err
}
