package server_test

import (
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/server"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vim/sim/remote"
)

// broker is a Kafka in this process that keeps its records while it is away.
type broker struct {
	t       *testing.T
	dir     string
	port    int
	cluster *kfake.Cluster
}

func startBroker(t *testing.T) *broker {
	t.Helper()
	b := &broker{t: t, dir: t.TempDir()}
	b.back()
	t.Cleanup(b.away)
	return b
}

func (b *broker) away() {
	if b.cluster != nil {
		b.cluster.Close()
		b.cluster = nil
	}
}

func (b *broker) back() {
	b.t.Helper()
	opts := []kfake.Opt{kfake.NumBrokers(1), kfake.DataDir(b.dir)}
	if b.port != 0 {
		opts = append(opts, kfake.Ports(b.port))
	}
	k, err := kfake.NewCluster(opts...)
	if err != nil {
		b.t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(k.ListenAddrs()[0])
	if err != nil {
		b.t.Fatal(err)
	}
	if b.port, err = strconv.Atoi(port); err != nil {
		b.t.Fatal(err)
	}
	b.cluster = k
}

func (b *broker) flag() string { return "--bus=kafka://127.0.0.1:" + strconv.Itoa(b.port) }

// records counts what is in a topic.
func (b *broker) records(topic string) (n int64) {
	for _, p := range b.cluster.PartitionInfos(topic) {
		n += p.HighWatermark
	}
	return n
}

// Operations run over Kafka, with one database and with two.
func TestOperationsRunOverKafka(t *testing.T) {
	for name, args := range map[string][]string{"one database": nil, "two databases": {"--vim-database=sqlite:vims.db"}} {
		t.Run(name, func(t *testing.T) {
			b := startBroker(t)
			p := startProgram(t, append(args, b.flag())...)
			vnf := p.create("over-kafka")
			p.run(vnf, "instantiate", instantiate)
			p.run(vnf, "terminate", terminate)
			if left := p.inventory(); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			if n := b.records(message.TopicVimCommands); n == 0 {
				t.Error("no command went over Kafka")
			}
			if n := b.records("vnfm.vim.replies"); (n > 0) != (len(args) > 0) {
				t.Errorf("%d replies of a database of its own", n)
			}
			p.await("all sent", func() bool {
				page := p.metrics()
				return strings.Contains(page, `vnfm_outbox_backlog_messages{database="main"} 0`) &&
					strings.Contains(page, `vnfm_outbox_oldest_seconds{consumer="relay"} 0`)
			})
			p.await("the group's offsets", func() bool { return b.cluster.GroupInfo("vnfm.vim-manager") != nil })
			if err := p.server.Prune(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// While Kafka is away commits go on, up to a limit; then nothing more is begun, and what waits is sent when it is back.
func TestKafkaIsAwayAndComesBack(t *testing.T) {
	b := startBroker(t)
	p := startProgram(t, b.flag(), "--bus-backlog=3")
	one := p.create("one")
	p.run(one, "instantiate", instantiate)
	b.away()
	op := p.begin(one, "terminate", terminate)
	p.await("a limit", func() bool {
		code, h, body := p.request("POST", "/vnflcm/v2/vnf_instances/"+p.create("more")+"/instantiate", instantiate)
		if code == 202 {
			return false
		}
		if code != 503 || h.Get("Retry-After") == "" || !strings.Contains(string(body), "bus-backlog") {
			t.Fatalf("%d %v %s", code, h, body)
		}
		return true
	})
	b.back()
	p.completed(op)
}

// A site may go from Kafka to the embedded bus and back, in the middle of operations: each ends, nothing is left behind, and the topic of events
// has all of them, in order, also those of the time between. What consumers had behind them then is deleted from the outbox, and is nothing
// that the relay waits for.
func TestABusIsExchangedForAnotherAndBack(t *testing.T) {
	for name, args := range map[string][]string{"one database": nil, "two databases": {"--vim-database=sqlite:vims.db"}} {
		t.Run(name, func(t *testing.T) {
			b := startBroker(t)
			args = append(args, "--data="+t.TempDir())
			p := newProgram(t, settings(t, append(args, b.flag())...), server.Options{Guide: io.Discard})
			p.start()
			vnf := p.create("moves")
			var ops []string
			for i, flags := range [][]string{args, append(args, b.flag()), args, append(args, b.flag())} {
				if i%2 == 0 {
					ops = append(ops, p.begin(vnf, "instantiate", instantiate))
				} else {
					ops = append(ops, p.begin(vnf, "terminate", terminate))
				}
				if err := p.stop(); err != nil { // with the operation in flight
					t.Fatal(err)
				}
				p.cfg = settings(t, flags...)
				p.start()
				p.completed(ops[i])
				if err := p.server.Prune(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if left := p.inventory(); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			events := domainEvents(p)
			p.await("all events", func() bool { return b.records(message.TopicVnfEvents) >= events })
			if v := inventoryOf(t, b, true)[vnf]; v == nil || v.State != "NOT_INSTANTIATED" || len(v.Vnfcs) > 0 {
				t.Errorf("by its events the VNF is %+v", v)
			}
		})
	}
}

// shared returns simulated VIMs, and settings of nodes that share them and the keys.
func shared(t *testing.T) (*sim.Sim, []string) {
	t.Helper()
	simulated, err := sim.Open(sim.Config{Path: filepath.Join(t.TempDir(), "sim.journal")})
	if err != nil {
		t.Fatal(err)
	}
	vims := httptest.NewServer(remote.Handler(simulated))
	t.Cleanup(func() {
		vims.Close()
		if err := simulated.Close(); err != nil {
			t.Error(err)
		}
	})
	key := filepath.Join(t.TempDir(), "secret.key")
	if err := os.WriteFile(key, []byte(secret.NewKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	return simulated, []string{"--secret-key-file=" + key, "--vim-sim-url=" + vims.URL}
}

// Two nodes share a database, the lanes and so the partitions; when one of them goes in the middle of operations, the other ends them.
func TestTwoNodesShareKafka(t *testing.T) {
	b := startBroker(t)
	_, sharing := shared(t)
	args := append(sharing, "--database="+dbtest.Postgres(t), b.flag())
	one, two := startProgram(t, args...), startProgram(t, args...)
	var ops []string
	for i := range 4 {
		p := []*program{one, two}[i%2]
		ops = append(ops, p.begin(p.create("shared-"+strconv.Itoa(i)), "instantiate", instantiate))
	}
	one.completed(ops[0])
	if err := one.stop(); err != nil {
		t.Fatal(err)
	}
	for _, op := range ops {
		two.completed(op)
	}
	if n := b.records(message.TopicVimCommands); n == 0 {
		t.Error("no command went over Kafka")
	}
}
