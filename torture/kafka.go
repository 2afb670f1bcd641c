package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vnfm/vnfm/bus/kafka"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vnf"
)

const (
	labScript  = "deploy/kafka-lab.sh"
	labPort    = 19910 // of Kafka Connect; the brokers' follow
	cdcLabPort = 19940 // of the lab that has a Kafka Connect, so that both can be tortured at once
	labBrokers = 3
	// publishName names publications and slots: that of the participants' database has _vims behind it.
	publishName = "vnfm"
	// managers is how many processes do the calls to VIMs, with a database of their own.
	managers = 2
	// labLimit is how long brokers or Kafka Connect may take to start, on a machine that does much else.
	labLimit = 10 * time.Minute
)

// lab is a Kafka of three brokers, and Kafka Connect when a capture publishes: real ones, in processes of their own.
type lab struct {
	run     string // folder of what runs
	port    int
	brokers string
	connect string // URL; "" when the relays publish
	// configs are those of the connectors, by name.
	configs map[string]map[string]string

	stop context.CancelFunc // of who looks after the connectors
	done sync.WaitGroup
	mu   sync.Mutex // one start of processes at a time
}

// newLab starts brokers, and Kafka Connect if a capture is to publish.
func newLab(ctx context.Context, dir, backend string) (*lab, error) {
	l := &lab{run: filepath.Join(dir, "kafka"), port: labPort, configs: map[string]map[string]string{}, stop: func() {}}
	if backend == cdc {
		l.port = cdcLabPort
	}
	var err error
	if l.brokers, err = l.script(ctx, "up"); err == nil && backend == cdc {
		l.connect, err = l.script(ctx, "connect")
	}
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// starts is how often brokers and Kafka Connect are started that do not come up: one that finds the others busy gives up by itself.
const starts = 5

// script runs a command of the script that makes the lab; what runs already stays. What does not come up is started again: a run of hours
// must not end by it.
func (l *lab) script(ctx context.Context, command string) (said string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range starts {
		if said, err = l.once(ctx, command); err == nil || ctx.Err() != nil {
			break
		}
	}
	return said, err
}

func (l *lab) once(ctx context.Context, command string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, labLimit)
	defer cancel()
	cmd := exec.CommandContext(limited, labScript, command)
	cmd.Env = append(os.Environ(), "RUN="+l.run, "PORT="+strconv.Itoa(l.port), "BROKERS="+strconv.Itoa(labBrokers))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", labScript, command, err, said.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

// signal sends a signal to a broker or to Kafka Connect, and waits for its end when it is to end.
func (l *lab) signal(name string, s syscall.Signal) error {
	b, err := os.ReadFile(filepath.Join(l.run, name+".pid"))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %v to %s: %w", s, name, err)
	}
	if s != syscall.SIGKILL && s != syscall.SIGTERM {
		return nil
	}
	limited, cancel := context.WithTimeout(context.Background(), labLimit)
	defer cancel()
	return poll(limited, 20*time.Millisecond, "the end of "+name, func() (bool, error) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		return err != nil || len(line) == 0, nil //nolint:nilerr // it is gone
	})
}

func (l *lab) close() error {
	l.stop()
	l.done.Wait()
	_, err := l.script(context.Background(), "down")
	return err
}

// broker names one of the brokers.
func (in *injector) broker() string { return fmt.Sprintf("broker-%d", 1+in.rng.IntN(labBrokers)) }

// killBroker ends a broker; the two others go on.
func (in *injector) killBroker(ctx context.Context) error {
	if err := in.lab.signal(in.broker(), syscall.SIGKILL); err != nil {
		return err
	}
	pause(ctx, in.span(300*time.Millisecond, 5*time.Second))
	_, err := in.lab.script(ctx, "up")
	return err
}

// freezeBroker stops a broker for a while; it comes back and does not know.
func (in *injector) freezeBroker(ctx context.Context) error {
	b := in.broker()
	if err := in.lab.signal(b, syscall.SIGSTOP); err != nil {
		return err
	}
	pause(ctx, in.span(500*time.Millisecond, 8*time.Second))
	return in.lab.signal(b, syscall.SIGCONT)
}

// rollBrokers restarts the brokers one after the other, as an update does.
func (in *injector) rollBrokers(ctx context.Context) error {
	for n := range labBrokers {
		if err := in.lab.signal(fmt.Sprintf("broker-%d", n+1), syscall.SIGTERM); err != nil {
			return err
		}
		if _, err := in.lab.script(ctx, "up"); err != nil {
			return err
		}
	}
	return nil
}

// killConnect ends Kafka Connect: what it had sent and not noted it sends again.
func (in *injector) killConnect(ctx context.Context) error {
	if err := in.lab.signal("connect", syscall.SIGKILL); err != nil {
		return err
	}
	pause(ctx, in.span(0, 3*time.Second))
	_, err := in.lab.script(ctx, "connect")
	return err
}

// dropSlot drops a replication slot: what was not captured is gone with it.
func (in *injector) dropSlot(ctx context.Context) error {
	slot := []string{publishName, publishName + "_vims"}[in.rng.IntN(2)]
	_, err := dbtest.Query(ctx, in.cluster.URL(), fmt.Sprintf(`select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '%s' and active`, slot))
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = poll(limited, 5*time.Millisecond, "the slot to be dropped", func() (bool, error) {
		_, err := dbtest.Query(limited, in.cluster.URL(), fmt.Sprintf(`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '%s'`, slot))
		return err == nil, nil
	})
	if err != nil && ctx.Err() == nil {
		return nil // its reader was quicker each time
	}
	return err
}

// setKafka starts Kafka and the databases of nodes and VIM managers, and returns the settings that all of them have.
func (in *injector) setKafka(ctx context.Context, dir, data, backend string) (args []string, err error) {
	if in.cluster, err = dbtest.StartLogical(filepath.Join(data, "postgres"), true); err != nil {
		return nil, err
	}
	if in.database, _, err = in.cluster.Database(ctx); err != nil {
		return nil, err
	}
	if in.vimDatabase, _, err = in.cluster.Database(ctx); err != nil {
		return nil, err
	}
	if in.lab, err = newLab(ctx, dir, backend); err != nil {
		return nil, err
	}
	if in.lab.connect != "" {
		kinds := map[string]string{publishName: in.database, publishName + "_vims": in.vimDatabase}
		for name, database := range kinds {
			if in.lab.configs[name], err = connector(name, database); err != nil {
				return nil, err
			}
		}
	}
	return []string{ // a broker that is gone takes longer than a call to the VIM
		"--bus", "kafka://" + in.lab.brokers, "--publish", strings.TrimPrefix(backend, "kafka-"), "--publish-name", publishName, "--operation-step-timeout", "8s", "--operation-deadline", "2m",
	}, nil
}

// connector returns the configuration of a connector, as it is shipped, for a database of ours.
func connector(name, database string) (map[string]string, error) {
	c := map[string]string{}
	b, err := os.ReadFile("deploy/kafka-connect/vnfm.json")
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(database)
	if err != nil {
		return nil, err
	}
	maps.Copy(c, map[string]string{
		"database.hostname": at.Hostname(), "database.port": at.Port(), "database.user": at.User.Username(), "database.password": "unused",
		"database.dbname": strings.TrimPrefix(at.Path, "/"), "topic.prefix": name, "slot.name": name, "publication.name": name,
	})
	if strings.HasSuffix(name, "_vims") {
		c["table.include.list"], c["transforms.outbox.route.topic.replacement"] = "public.outbox", "vnfm.vim.replies"
	}
	return c, nil
}

// look after the connectors, as an operator would: one that has failed is started again, or anew when its slot is another. It ends when the
// lab does.
func (in *injector) lookAfter(ctx context.Context) {
	if in.lab == nil || in.lab.connect == "" {
		return
	}
	ctx, in.lab.stop = context.WithCancel(context.WithoutCancel(ctx))
	for name := range in.lab.configs {
		in.lab.done.Go(func() {
			for ctx.Err() == nil {
				in.tend(ctx, name)
				pause(ctx, 2*time.Second)
			}
		})
	}
}

// captured waits until Kafka Connect publishes, where it is to.
func (in *injector) captured(ctx context.Context) error {
	if in.lab == nil || in.lab.connect == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, labLimit)
	defer cancel()
	return poll(ctx, 200*time.Millisecond, "the captures", func() (bool, error) {
		for _, database := range []string{in.database, in.vimDatabase} {
			mode, err := dbtest.Query(ctx, database, "select mode from publishing")
			if err != nil || !slices.Equal(mode, []string{string(eventstore.CDC)}) {
				return false, nil //nolint:nilerr // asked again
			}
		}
		return true, nil
	})
}

// tend looks at a connector once.
func (in *injector) tend(ctx context.Context, name string) {
	state, err := dbtest.Query(ctx, in.cluster.URL(), fmt.Sprintf("select active::text || ' ' || two_phase::text from pg_replication_slots where slot_name = '%s'", name))
	if err != nil || !slices.Equal(state, []string{"false true"}) {
		return // nothing to begin with, or it is read
	}
	l := in.lab
	code, said := l.ask(ctx, http.MethodGet, "/connectors/"+name+"/status", nil)
	switch {
	case code == http.StatusNotFound:
		l.ask(ctx, http.MethodPut, "/connectors/"+name+"/config", l.configs[name])
	case code == http.StatusOK && strings.Contains(said, `"state":"STOPPED"`):
		l.ask(ctx, http.MethodDelete, "/connectors/"+name+"/offsets", nil)
		l.ask(ctx, http.MethodPut, "/connectors/"+name+"/resume", nil)
	case strings.Contains(said, "no longer available"): // the slot is another
		l.ask(ctx, http.MethodPut, "/connectors/"+name+"/stop", nil)
	case strings.Contains(said, `"state":"FAILED"`):
		l.ask(ctx, http.MethodPost, "/connectors/"+name+"/restart?includeTasks=true", nil)
	}
}

// ask makes a request to Kafka Connect; 0 when there is no answer.
func (l *lab) ask(ctx context.Context, method, path string, body any) (int, string) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // a map of texts
	}
	req, err := http.NewRequestWithContext(ctx, method, l.connect+path, bytes.NewReader(b))
	if err != nil {
		return 0, ""
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = res.Body.Close() }() // read only
	said, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, ""
	}
	return res.StatusCode, string(said)
}

// published waits until each event of a VNF that is in the log is in the topic, and says which are not.
func (j *judge) published(ctx context.Context) (err error) {
	if j.lab == nil {
		return nil
	}
	store, err := j.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	var missing []string
	limited, cancel := context.WithTimeout(ctx, labLimit)
	defer cancel()
	err = poll(limited, time.Second, "the topic of events", func() (bool, error) {
		missing, err = j.missing(limited, store)
		return err == nil && len(missing) == 0, nil // a broker may be coming back
	})
	for _, m := range missing {
		j.book.violation("%s", m)
	}
	if len(missing) > 0 {
		return nil
	}
	return err
}

// missing returns the events of VNFs that are in the log and not in the topic: the first of each lane.
func (j *judge) missing(ctx context.Context, store eventstore.Store) (missing []string, err error) {
	ids, err := store.OutboxIDs(ctx)
	if err != nil {
		return nil, err
	}
	cluster := &kafka.Cluster{Brokers: strings.Split(j.lab.brokers, ",")}
	far, err := cluster.Tail(ctx, message.TopicVnfEvents, ids[0])
	if err != nil {
		return nil, err
	}
	for lane, at := range far {
		events, err := store.ReadLane(ctx, lane, at, 1000)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			if strings.HasPrefix(e.Stream, vnf.InstanceStream) || strings.HasPrefix(e.Stream, vnf.OpOccStream) {
				missing = append(missing, fmt.Sprintf("event %d of lane %d (%s, %s) is not in the topic, which ends at %d", e.Offset, lane, e.Stream, e.Type, at))
				break
			}
		}
	}
	return missing, nil
}

// tcp returns where a database listens.
func tcp(database string) (network, address string, err error) {
	u, err := url.Parse(database)
	if err != nil {
		return "", "", err
	}
	if host := u.Query().Get("host"); host != "" {
		return "unix", filepath.Join(host, ".s.PGSQL.5432"), nil
	}
	return "tcp", net.JoinHostPort(u.Hostname(), u.Port()), nil
}
