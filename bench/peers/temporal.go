package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	server "go.temporal.io/server/temporal"
	sqltool "go.temporal.io/server/tools/sql"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/vnfm/vnfm/saga/sagabench"
)

// shards is the number of Temporal's history shards: what is advised for a small cluster in production. With 4, 16 and 64
// a saga took longer and cost more.
const shards = 512

// taskQueue is where the worker takes its work from.
const taskQueue = "peers"

// runTemporal runs the saga as a Temporal workflow with an activity per command. Server, worker and client are in this
// process and talk over gRPC on the loopback interface; the server keeps its history and its visibility in PostgreSQL.
func runTemporal(ctx context.Context, database string, o sagabench.Options) (sagabench.Report, error) {
	stores, err := temporalStores(ctx, database)
	if err != nil {
		return sagabench.Report{}, err
	}
	address, stop, err := startTemporal(stores)
	if err != nil {
		return sagabench.Report{}, err
	}
	defer stop()
	c, err := dialTemporal(ctx, address)
	if err != nil {
		return sagabench.Report{}, err
	}
	defer c.Close()
	pollers := worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{})
	w := worker.New(c, taskQueue, worker.Options{WorkflowTaskPollerBehavior: pollers, ActivityTaskPollerBehavior: pollers})
	w.RegisterWorkflow(temporalSaga)
	w.RegisterActivity(temporalParticipant)
	if err := w.Start(); err != nil {
		return sagabench.Report{}, err
	}
	defer w.Stop()
	var fail everyTenth
	return sagabench.Measure(ctx, o, func(ctx context.Context) (compensated bool, err error) {
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: uuid.NewString(), TaskQueue: taskQueue, EnableEagerStart: true,
		}, temporalSaga, fail.next())
		if err != nil {
			return false, err
		}
		return compensated, run.Get(ctx, &compensated)
	})
}

func temporalSaga(ctx workflow.Context, fail bool) (bool, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 2 * time.Minute})
	return steps(workflow.GetInfo(ctx).WorkflowExecution.ID, fail, func(c command) error {
		return workflow.ExecuteActivity(ctx, temporalParticipant, c).Get(ctx, nil)
	})
}

func temporalParticipant(_ context.Context, c command) (answer, error) {
	a, err := participate(c)
	if err != nil {
		return a, temporal.NewNonRetryableApplicationError(err.Error(), "refused", err)
	}
	return a, nil
}

// temporalStores makes the two databases' tables with Temporal's own tool: those of the history in the database given,
// those of the visibility in one beside it.
func temporalStores(ctx context.Context, database string) (map[string]config.DataStore, error) {
	u, err := url.Parse(database)
	if err != nil {
		return nil, err
	}
	history := strings.TrimPrefix(u.Path, "/")
	visibility := history + "_visibility"
	if err := execute(ctx, database, `create database "`+visibility+`"`); err != nil {
		return nil, err
	}
	attributes := map[string]string{"host": u.Query().Get("host"), "sslmode": "disable"}
	stores := map[string]config.DataStore{}
	for kind, name := range map[string]string{"temporal": history, "visibility": visibility} {
		stores[kind] = config.DataStore{SQL: &config.SQL{
			PluginName: postgresql.PluginNamePGX, DatabaseName: name, ConnectAddr: "localhost:5432", User: "postgres",
			ConnectAttributes: attributes, MaxConns: 20, MaxIdleConns: 20, MaxConnLifetime: time.Hour,
		}}
		for _, args := range [][]string{
			{"setup-schema", "--version", "0.0"},
			{"update-schema", "--schema-name", "postgresql/v12/" + kind},
		} {
			tool := []string{
				"temporal-sql-tool", "--plugin", postgresql.PluginNamePGX, "--endpoint", "localhost", "--port", "5432", "--user", "postgres",
				"--database", name, "--connect-attributes", "host=" + url.QueryEscape(attributes["host"]) + "&sslmode=disable",
			}
			if err := sqltool.RunTool(append(tool, args...)); err != nil {
				return nil, fmt.Errorf("%s: %w", args[0], err)
			}
		}
	}
	return stores, nil
}

// startTemporal starts the four services in this process.
func startTemporal(stores map[string]config.DataStore) (address string, stop func(), err error) {
	ports, err := freePorts(8)
	if err != nil {
		return "", nil, err
	}
	services := map[string]config.Service{}
	for i, name := range []string{"frontend", "history", "matching", "worker"} {
		services[name] = config.Service{RPC: config.RPC{GRPCPort: ports[2*i], MembershipPort: ports[2*i+1], BindOnLocalHost: true}}
	}
	address = fmt.Sprintf("127.0.0.1:%d", ports[0])
	off := config.ArchivalNamespaceDefaults{
		History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
		Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
	}
	c := &config.Config{
		Global: config.Global{Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: "127.0.0.1"}},
		Persistence: config.Persistence{
			DefaultStore: "temporal", VisibilityStore: "visibility", NumHistoryShards: shards, DataStores: stores,
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10, MasterClusterName: "active", CurrentClusterName: "active",
			ClusterInformation: map[string]cluster.ClusterInformation{
				"active": {Enabled: true, InitialFailoverVersion: 1, RPCAddress: address},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		Archival: config.Archival{
			History: config.HistoryArchival{State: "disabled"}, Visibility: config.VisibilityArchival{State: "disabled"},
		},
		PublicClient:      config.PublicClient{HostPort: address},
		NamespaceDefaults: config.NamespaceDefaults{Archival: off},
	}
	s, err := server.NewServer(
		server.WithConfig(c), server.ForServices(server.DefaultServices), server.WithLogger(log.NewNoopLogger()),
		server.WithAuthorizer(authorization.NewNoopAuthorizer()),
		server.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
		server.WithDynamicConfigClient(unlimited()),
	)
	if err != nil {
		return "", nil, err
	}
	if err := s.Start(); err != nil {
		return "", nil, err
	}
	return address, func() { _ = s.Stop() }, nil
}

// unlimited takes away the limits on rates that Temporal has by default, so that none is measured.
func unlimited() dynamicconfig.StaticClient {
	out := dynamicconfig.StaticClient{}
	for _, key := range []dynamicconfig.Key{
		dynamicconfig.FrontendRPS.Key(), dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key(),
		dynamicconfig.FrontendPersistenceMaxQPS.Key(),
		dynamicconfig.HistoryRPS.Key(), dynamicconfig.HistoryPersistenceMaxQPS.Key(),
		dynamicconfig.MatchingRPS.Key(), dynamicconfig.MatchingPersistenceMaxQPS.Key(),
	} {
		out[key] = 1_000_000
	}
	return out
}

// dialTemporal connects and registers a namespace.
func dialTemporal(ctx context.Context, address string) (client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	o := client.Options{HostPort: address, Namespace: "peers", Logger: silent{}}
	c, err := retry(ctx, func() (client.Client, error) { return client.DialContext(ctx, o) })
	if err != nil {
		return nil, err
	}
	_, err = retry(ctx, func() (any, error) {
		_, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
			Namespace: o.Namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
		})
		if exists := (*serviceerror.NamespaceAlreadyExists)(nil); errors.As(err, &exists) {
			return nil, nil
		}
		return nil, err
	})
	if err != nil {
		return nil, err
	}
	_, err = retry(ctx, func() (any, error) { // until the server's services have heard of it
		_, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: o.Namespace})
		return nil, err
	})
	return c, err
}

// retry tries again while a server starts.
func retry[T any](ctx context.Context, try func() (T, error)) (T, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		v, err := try()
		if err == nil {
			return v, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return v, err
		}
	}
}

// freePorts finds ports of the loopback interface that nobody listens on. They are low: Temporal keeps a port in two
// bytes with a sign.
func freePorts(n int) (ports []int, err error) {
	for port := 17230; len(ports) < n; port++ {
		if port > math.MaxInt16 {
			return nil, errors.New("no free ports")
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue // somebody listens there
		}
		if err := l.Close(); err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}

// silent is a logger of the SDK that says nothing.
type silent struct{}

var _ sdklog.Logger = silent{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
