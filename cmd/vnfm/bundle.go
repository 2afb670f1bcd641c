package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/cmd/stamp"
	"github.com/vnfm/vnfm/cmd/vnfm/show"
	"github.com/vnfm/vnfm/sol"
)

type bundleCmd struct {
	To  string   `help:"File to write; default: vnfm-support-TIME.zip here." placeholder:"FILE" predictor:"file"`
	Vnf []string `help:"These VNFs, too, repeatable: id or name; without it those with something wrong." placeholder:"VNF" predictor:"vnf"`
	Max int      `help:"So many VNFs, and operations, in detail at most." default:"20" placeholder:"N"`
}

// Help is examples.
func (*bundleCmd) Help() string {
	return `In it are versions, settings, the nodes, VNFs and operations in few words, what is under way or failed in detail, what the audit finds, VIM connections and
packages. Credentials, additional parameters, extensions and configurable properties are *** in it.

Examples:
  vnfm support-bundle
  vnfm support-bundle --vnf fw1 --to case-4711.zip`
}

// bundle is an archive under way.
type bundle struct {
	s       *session
	zip     *zip.Writer
	written []string
	missing []string // what could not be read, and why
	err     error    // of the archive
}

// add reads something and puts it into the archive, with its secrets masked once more here: whatever a server shows, nothing secret
// leaves. What cannot be read is noted.
func (b *bundle) add(name string, read func() (any, error)) {
	if b.err != nil || b.s.ctx.Err() != nil {
		return
	}
	v, err := read()
	if err != nil {
		b.missing = append(b.missing, name+": "+err.Error())
		return
	}
	raw, err := json.Marshal(v)
	if err != nil {
		b.missing = append(b.missing, name+": "+err.Error())
		return
	}
	var text bytes.Buffer
	if json.Indent(&text, []byte(client.Masked(raw)), "", "  ") != nil {
		b.missing = append(b.missing, name+": it is no JSON")
		return
	}
	b.file(name, text.Bytes())
}

func (b *bundle) file(name string, data []byte) {
	if b.err != nil {
		return
	}
	w, err := b.zip.Create(name)
	if err == nil {
		_, err = w.Write(data)
	}
	b.err = err
	b.written = append(b.written, name)
}

// any1 is a call of the client without its type.
func any1[T any](v T, err error) (any, error) { return v, err }

func (c *bundleCmd) Run(s *session) error {
	target := c.To
	if target == "" {
		target = "vnfm-support-" + s.Now().UTC().Format("20060102-150405") + ".zip"
	}
	part, err := os.CreateTemp(filepath.Dir(target), ".vnfm-*") // 0600
	if err != nil {
		return usagef("%v", err)
	}
	defer func() { _ = os.Remove(part.Name()) }() // it is not there when all went well
	b := &bundle{s: s, zip: zip.NewWriter(part)}
	if err := b.fill(c); err != nil {
		_ = part.Close()
		return err
	}
	err = b.err
	for _, end := range []func() error{b.zip.Close, part.Close} {
		if cerr := end(); err == nil {
			err = cerr
		}
	}
	if err == nil {
		err = os.Rename(part.Name(), target)
	}
	if err != nil {
		return usagef("%v", err)
	}
	for _, m := range b.missing {
		_, _ = fmt.Fprintln(s.Err, "left out:", m)
	}
	return s.show(map[string]any{"file": target, "files": b.written, "missing": b.missing}, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%s: %s; read it before you send it\n", target, counted(len(b.written), "file"))
	})
}

// fill reads what goes into the archive.
func (b *bundle) fill(c *bundleCmd) error {
	s := b.s
	if _, err := s.SignIn(s.ctx); err != nil && client.Away(err) {
		return err //nolint:wrapcheck // of the client
	}
	b.add("version.json", func() (any, error) { return map[string]string{"client": stamp.Version(), "server": s.server}, nil })
	b.add("caller.json", func() (any, error) { return any1(s.Caller(s.ctx)) })
	b.add("system.json", func() (any, error) { return any1(s.System(s.ctx)) })
	b.add("cluster.json", func() (any, error) { return any1(s.Cluster(s.ctx)) })
	b.add("audit.json", func() (any, error) { return any1(s.Audit(s.ctx, false)) })
	b.add("parked-messages.json", func() (any, error) { return any1(s.Parked(s.ctx)) })
	b.add("notifications.json", func() (any, error) { return any1(s.Notifications(s.ctx, "", "")) })
	b.add("vims.json", func() (any, error) { return any1(s.Vims(s.ctx)) })
	b.add("management-connections.json", func() (any, error) { return any1(s.ManagementConnections(s.ctx)) })
	b.add("packages.json", func() (any, error) { return any1(s.Packages(s.ctx)) })
	var glances []show.Glance
	b.add("vnfs.json", func() (any, error) {
		all, err := s.VnfSummaries(s.ctx)
		if err != nil {
			return nil, err //nolint:wrapcheck // of the client
		}
		glances, err = s.glanced(all)
		return all, err
	})
	var ops []sol.OpOrigin
	b.add("operations.json", func() (any, error) {
		var err error
		ops, err = s.OpOrigins(s.ctx, client.Query{Sort: "-startTime", Limit: 1000})
		return ops, err //nolint:wrapcheck // of the client
	})
	for _, state := range unclean {
		b.add("sagas-"+strings.ToLower(state)+".json", func() (any, error) { return any1(s.Sagas(s.ctx, "", state)) })
	}
	vnfs, err := b.vnfs(c, glances)
	if err != nil {
		return err
	}
	for _, id := range vnfs {
		b.vnf(id)
	}
	n := 0
	for _, o := range ops {
		if o.OperationState == "COMPLETED" || n == c.Max {
			continue
		}
		n++
		b.operation(o.VnfLcmOpOccId)
	}
	b.file("left-out.txt", []byte(strings.Join(b.missing, "\n")+"\n"))
	return s.ctx.Err() //nolint:wrapcheck // of this command
}

// vnfs are the VNFs that are read in detail: those that are named, and those with something wrong.
func (b *bundle) vnfs(c *bundleCmd, glances []show.Glance) ([]string, error) {
	var out []string
	for _, word := range c.Vnf {
		id, err := b.s.vnfID(word)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	for i := range glances {
		if glances[i].Trouble() && len(out) < c.Max {
			out = append(out, glances[i].Id)
		}
	}
	return out, nil
}

func (b *bundle) vnf(id string) {
	s, dir := b.s, "vnf-"+id+"/"
	b.add(dir+"instance.json", func() (any, error) { return any1(s.Vnf(s.ctx, id)) })
	b.add(dir+"leftovers.json", func() (any, error) { return any1(s.Leftovers(s.ctx, id)) })
	b.add(dir+"events.json", func() (any, error) { return any1(s.Events(s.ctx, id)) })
}

func (b *bundle) operation(id string) {
	s, dir := b.s, "op-"+id+"/"
	b.add(dir+"operation.json", func() (any, error) { return any1(s.Op(s.ctx, id)) })
	b.add(dir+"progress.json", func() (any, error) { return any1(s.Progress(s.ctx, id)) })
	b.add(dir+"saga.json", func() (any, error) { return any1(s.Saga(s.ctx, id)) })
}
