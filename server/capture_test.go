//go:build broker

package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/vnfm/vnfm/internal/dbtest"
)

// capture is a database, a program set to publish=cdc on it, and the connector that is shipped, with the values of this place put in.
type capture struct {
	t                      *testing.T
	db                     *pgx.Conn
	name, prefix, database string
	connect, brokers       string
	config                 map[string]string
}

func newCapture(t *testing.T, name string) *capture {
	t.Helper()
	c := &capture{
		t: t, name: fmt.Sprintf("t%d_%s", os.Getpid(), name), prefix: fmt.Sprintf("t%d.%s.", os.Getpid(), name),
		brokers: os.Getenv("VNFM_TEST_KAFKA"), connect: os.Getenv("VNFM_TEST_CONNECT"),
	}
	if c.brokers == "" || c.connect == "" {
		t.Fatal("VNFM_TEST_KAFKA has no brokers, or VNFM_TEST_CONNECT no Kafka Connect")
	}
	c.database = dbtest.Logical(t)
	at, err := url.Parse(c.database)
	if err != nil {
		t.Fatal(err)
	}
	if c.db, err = pgx.Connect(t.Context(), c.database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.ask("DELETE", "/connectors/"+c.name, nil)
		if err := c.db.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	c.config = map[string]string{}
	shipped, err := os.ReadFile("../deploy/kafka-connect/vnfm.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(shipped, &c.config); err != nil {
		t.Fatal(err)
	}
	maps.Copy(c.config, map[string]string{ // what an operator changes
		"database.hostname": "127.0.0.1", "database.port": at.Port(), "database.user": "postgres", "database.password": "unused",
		"database.dbname": strings.TrimPrefix(at.Path, "/"), "topic.prefix": c.name, "slot.name": c.name, "publication.name": c.name,
		"transforms.outbox.route.topic.replacement": c.prefix + "${routedByValue}", "transforms.events.route.topic.replacement": c.prefix + "vnf.events",
	})
	return c
}

// args are the settings of a program on it.
func (c *capture) args(publish string, more ...string) []string {
	return append([]string{
		"--database=" + c.database, "--bus=kafka://" + c.brokers, "--bus-prefix=" + c.prefix, "--publish=" + publish, "--publish-name=" + c.name,
	}, more...)
}

// ask makes a request to Kafka Connect.
func (c *capture) ask(method, path string, body any) (int, string) {
	c.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(c.t.Context()), method, c.connect+path, bytes.NewReader(b))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(said)
}

// must makes a request to Kafka Connect that it accepts; it may have to be made again while the workers agree.
func (c *capture) must(p *program, method, path string, body any) {
	c.t.Helper()
	var code int
	var said string
	defer func() {
		if c.t.Failed() {
			c.t.Logf("%s %s: %d %s", method, path, code, said)
		}
	}()
	p.await(method+" "+path, func() bool {
		code, said = c.ask(method, path, body)
		return code < 300
	})
}

// made waits until the publication and the slot are there: before, the connector has nothing to begin with.
func (c *capture) made(p *program) {
	c.t.Helper()
	p.await("a slot to begin with", func() bool {
		return strings.Contains(p.metrics(), `vnfm_publish_slot_usable{database="main"} 1`)
	})
}

// start registers the connector.
func (c *capture) start(p *program) {
	c.t.Helper()
	c.made(p)
	c.must(p, "PUT", "/connectors/"+c.name+"/config", c.config)
}

// publishes waits until a capture publishes, or the relays do.
func (c *capture) publishes(p *program, cdc bool) {
	c.t.Helper()
	defer func() {
		if c.t.Failed() {
			_, ready := p.call("GET", "/readyz", nil)
			_, status := c.ask("GET", "/connectors/"+c.name+"/status", nil)
			c.t.Logf("readyz: %v\nconnector: %.2000s", ready, status)
		}
	}()
	want := `vnfm_publish_cdc{database="main"} 0`
	if cdc {
		want = `vnfm_publish_cdc{database="main"} 1`
	}
	p.await(want, func() bool { return strings.Contains(p.metrics(), want) })
}

// Operations run over Kafka Connect as they do over the relay, with one database and with two.
func TestBrokerIsFedByACapture(t *testing.T) {
	for _, name := range []string{"one", "two"} {
		t.Run(name, func(t *testing.T) {
			c := newCapture(t, name)
			args, sides := c.args("cdc"), []string{"main"}
			if name == "two" {
				args, sides = append(args, "--vim-database="+dbtest.Logical(t)), append(sides, "vim")
			}
			p := startProgram(t, args...)
			first := p.create("by-the-relay")
			p.run(first, "instantiate", instantiate)
			c.start(p)
			if name == "two" {
				c.participants(p)
			}
			captured := func() {
				t.Helper()
				for _, side := range sides {
					p.await("a capture", func() bool { return strings.Contains(p.metrics(), `vnfm_publish_cdc{database="`+side+`"} 1`) })
				}
			}
			captured()
			vnf := p.create("by-the-capture")
			p.run(vnf, "instantiate", instantiate)
			op := p.begin(vnf, "terminate", terminate)
			if err := p.stop(); err != nil {
				t.Fatal(err)
			}
			p.start()
			p.completed(op)
			p.run(first, "terminate", terminate)
			if left := p.inventory(); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			c.sent(p)
			captured()
		})
	}
}

// participants registers the connector of the participants' database, as docs/howto/cdc.md says.
func (c *capture) participants(p *program) {
	c.t.Helper()
	at, err := url.Parse(p.cfg.Vim.Database)
	if err != nil {
		c.t.Fatal(err)
	}
	config := maps.Clone(c.config)
	maps.Copy(config, map[string]string{
		"database.dbname": strings.TrimPrefix(at.Path, "/"), "topic.prefix": c.name + "_vims", "slot.name": c.name + "_vims", "publication.name": c.name + "_vims",
		"table.include.list": "public.outbox", "transforms.outbox.route.topic.replacement": c.prefix + "vnfm.vim.replies",
	})
	c.t.Cleanup(func() { c.ask("DELETE", "/connectors/"+c.name+"_vims", nil) })
	p.await("a slot to begin with", func() bool { return strings.Contains(p.metrics(), `vnfm_publish_slot_usable{database="vim"} 1`) })
	c.must(p, "PUT", "/connectors/"+c.name+"_vims/config", config)
}

// sent waits until nothing waits to be sent.
func (c *capture) sent(p *program) {
	c.t.Helper()
	defer func() {
		if !c.t.Failed() {
			return
		}
		rows, err := c.db.Query(context.Background(), `select o.lane || '/' || o.off || ' ' || o.aggregatetype || ' ' || o.type || ' ' ||
			(select string_agg(c.consumer || '=' || c.off, ' ') from cursors c where c.lane = o.lane) from outbox o order by o.lane, o.off limit 20`)
		if err != nil {
			c.t.Log(err)
			return
		}
		left, err := pgx.CollectRows(rows, pgx.RowTo[string])
		c.t.Log(strings.Join(left, "\n"), err)
	}()
	p.await("all sent", func() bool {
		return strings.Contains(p.metrics(), `vnfm_outbox_backlog_messages{database="main"} 0`)
	})
}
