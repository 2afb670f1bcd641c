package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm/drift"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// judged is a VNF that was compared with what a VIM has.
type judged struct {
	vnf   vnf.Instance
	found *drift.Found
	noted vnf.DriftNoted
	// few: the VIM has so few of its resources that a repair has to be confirmed.
	few bool
}

// round looks at one connection, notes what differs, has repaired what is to be repaired, and returns when the next round is due.
func (r *Reconciler) round(ctx context.Context, l *listed, began time.Time) (time.Time, error) {
	at := l.at
	row, err := r.row(ctx, at)
	if err != nil {
		return began, err
	}
	s := row.Doc
	s.Connection, s.Type, s.At, s.Err = at.ID, at.Type, began, ""
	s.Rounds++
	all, failed := r.compare(ctx, l, &s)
	if failed != nil && ctx.Err() != nil {
		return began, ctx.Err()
	}
	var errs []error
	if failed == nil {
		errs = append(errs, r.judge(ctx, at, all, &s, began))
	} else if s.Err = "the VIM could not be looked at"; vim.ClassOf(failed) != message.UnknownOutcome {
		s.Err = hintOf(failed)
	}
	ended, err := r.cfg.Store.Now(ctx)
	if err != nil {
		return began, fmt.Errorf("read the store's clock: %w", err)
	}
	s.Took = ended.Sub(began)
	due := ended.Add(r.interval(at, s.Rounds))
	if r.cfg.Observer != nil {
		r.cfg.Observer.Round(&s)
	}
	return due, errors.Join(append(errs, failed, r.keep(ctx, at, &s, due))...)
}

// hintOf is what anybody may read of a driver's error.
func hintOf(err error) string {
	var e *vim.Error
	if errors.As(err, &e) {
		return string(e.Class) + ": " + e.Hint
	}
	return "the VIM could not be looked at"
}

// listed is what a VIM has, and how the VNF instances were before it was asked.
type listed struct {
	at     site
	before []version
	has    map[string][]vim.Observed // by VNF
	asked  bool                      // err is the VIM's
	err    error
}

// lists asks the VIMs of some sites, at once: one that hangs has the others wait only as long as itself.
func (r *Reconciler) lists(ctx context.Context, some []site) []listed {
	out := make([]listed, len(some))
	var others sync.WaitGroup
	for i := range out {
		if out[i].at = some[i]; i > 0 {
			others.Go(func() { r.listOf(ctx, &out[i]) })
		}
	}
	r.listOf(ctx, &out[0])
	others.Wait()
	return out
}

// listOf asks one.
func (r *Reconciler) listOf(ctx context.Context, l *listed) {
	driver := r.cfg.Drivers[l.at.Type]
	if driver == nil {
		l.err = fmt.Errorf("there is no driver for VIMs of type %s", l.at.Type)
		return
	}
	if l.before, l.err = r.versions(ctx); l.err == nil {
		l.asked = true
		l.has, l.err = r.list(ctx, l.at, driver)
	}
}

// compare compares what the VIM has with the records of the VNFs that no operation holds, and that did not change while the
// VIM was listed: of these nothing is late.
func (r *Reconciler) compare(ctx context.Context, listed *listed, s *Status) ([]judged, error) {
	at, driver, before, has := listed.at, r.cfg.Drivers[listed.at.Type], listed.before, listed.has
	if listed.asked && r.cfg.Listed != nil {
		r.cfg.Listed(ctx, at.Connection, listed.err)
	}
	if listed.err != nil {
		return nil, listed.err
	}
	var all []judged
	s.Busy, s.Recorded, s.LeftBehind = 0, 0, 0
	for some := range slices.Chunk(before, together) {
		var l eventstore.Load
		for _, v := range some {
			l = l.Merge(r.cfg.Instances.Load(v.id))
		}
		loaded, err := r.cfg.Store.Load(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("read VNF instances: %w", err)
		}
		for _, v := range some {
			st, err := r.cfg.Instances.Read(loaded, &eventstore.Commit{}, v.id)
			if err != nil {
				return nil, err //nolint:wrapcheck // says what it was about
			}
			in := &st.Value
			if in.Deleted || !at.Covers(in.ID) {
				continue
			}
			for i := range in.Leftovers {
				if in.Leftovers[i].Connection == at.ID {
					s.LeftBehind++
				}
			}
			wanted := drift.Wanted(in)[at.ID]
			if len(wanted)+len(has[in.ID]) == 0 && (in.Drift == nil || in.Drift.At[at.ID].Sum() == 0) {
				continue
			}
			if in.Version != v.version || in.Busy() {
				s.Busy++
				continue
			}
			s.Recorded += len(wanted)
			all = append(all, judged{vnf: *in})
		}
	}
	return r.find(ctx, at, driver, all, has)
}

// together is how many instances are read at once.
const together = 50

// version is a VNF instance as it was before its VIM was asked.
type version struct {
	id      string
	version int64
}

// versions lists all VNF instances.
func (r *Reconciler) versions(ctx context.Context) (out []version, err error) {
	for q := (eventstore.ViewQuery{Kind: readmodel.KindVnf, Limit: 1000, Heads: true}); ; {
		rows, err := r.cfg.Store.Views(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("list VNF instances: %w", err)
		}
		for i := range rows {
			out = append(out, version{rows[i].ID, rows[i].Revision})
			q = q.Behind(&rows[i])
		}
		if len(rows) < q.Limit {
			return out, nil
		}
	}
}

// list lists what a VIM has, by VNF, in pages.
func (r *Reconciler) list(ctx context.Context, at site, driver vim.Driver) (map[string][]vim.Observed, error) {
	has := map[string][]vim.Observed{}
	seen := map[vim.Token]bool{} // a list that changes while it is read may say something twice
	err := vim.EachObserved(ctx, driver, at.Connection, "", r.cfg.Settings.Page, r.cfg.Settings.Call, func(page []vim.Observed) error {
		for i := range page {
			if o := &page[i]; at.Covers(o.Resource.Owner) && !seen[o.Resource.Token] {
				seen[o.Resource.Token] = true
				has[o.Resource.Owner] = append(has[o.Resource.Owner], *o)
			}
		}
		return nil
	})
	return has, err //nolint:wrapcheck // an Error of the driver
}

// find completes the looks: what is not listed is looked up by its token, as long as that is not too much, so that a list that comes
// late loses nothing; then compares.
func (r *Reconciler) find(ctx context.Context, at site, driver vim.Driver, all []judged, has map[string][]vim.Observed) ([]judged, error) {
	unlisted := make([][]vim.Token, len(all))
	n := 0
	for i := range all {
		listed := map[vim.Token]bool{}
		for _, o := range has[all[i].vnf.ID] {
			listed[o.Resource.Token] = true
		}
		for k := range all[i].vnf.Resources {
			if x := &all[i].vnf.Resources[k]; x.Connection == at.ID && !listed[drift.TokenOf(x)] {
				unlisted[i] = append(unlisted[i], drift.TokenOf(x))
				n++
			}
		}
	}
	can := map[string]vim.InPlace{at.ID: driver.InPlace()}
	out := all[:0]
	for i := range all {
		j := all[i]
		look := vim.Look{Found: has[j.vnf.ID], Missing: unlisted[i]}
		if n <= r.cfg.Settings.Finds {
			if err := r.unlisted(ctx, at, driver, &j.vnf, &look); err != nil {
				return nil, err
			}
		}
		var err error
		if j.found, err = drift.Compare(&j.vnf, []drift.Seen{{Connection: at.ID, Look: &look}}, can, r.cfg.Settings.Suspect); err != nil {
			r.cfg.Logger.WarnContext(ctx, "VNF not compared", "vim_id", at.ID, "vnf_id", j.vnf.ID, "error", err) // its records cannot be read
			continue
		}
		j.few = j.found.Report.Looks[0].Suspect
		j.noted = r.noted(&j.found.Report)
		out = append(out, j)
	}
	return out, nil
}

// unlisted looks up what a VIM did not list of a VNF.
func (r *Reconciler) unlisted(ctx context.Context, at site, driver vim.Driver, v *vnf.Instance, look *vim.Look) error {
	kinds := drift.Wanted(v)[at.ID]
	var gone []vim.Token
	for _, t := range look.Missing {
		limited, cancel := context.WithTimeout(ctx, r.cfg.Settings.Call)
		found, err := driver.Find(limited, at.Connection, kinds[t], t)
		cancel()
		switch {
		case err == nil:
			look.Found = append(slices.Clip(look.Found), vim.Seen(found))
		case vim.ClassOf(err) == message.NotFound:
			gone = append(gone, t)
		default:
			return err //nolint:wrapcheck // an Error of the driver
		}
	}
	look.Missing = gone
	return nil
}

// noted is what is kept of a comparison.
func (r *Reconciler) noted(report *drift.Report) (n vnf.DriftNoted) {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for i := range report.Differences {
		d := &report.Differences[i]
		switch d.Type {
		case drift.Missing:
			n.Missing++
		case drift.Changed:
			n.Changed++
		case drift.Orphaned:
			n.Orphaned++
		case drift.Unsure:
			n.Unsure++
		}
		x := vnf.DriftedResource{Type: string(d.Type), ID: d.ID, Generation: d.Generation, Kind: string(d.Kind), Name: d.Name, VimID: d.VimID}
		for _, f := range d.Fields {
			x.Fields = append(x.Fields, vnf.DriftField{Attribute: string(f.Attribute), Recorded: f.Recorded, Found: f.Found, By: f.By})
		}
		_ = enc.Encode(x) // texts and numbers, into a hash
		if len(n.Differences) < r.cfg.Settings.Differences {
			n.Differences = append(n.Differences, x)
		}
	}
	if n.Sum() > 0 {
		n.Digest = hex.EncodeToString(h.Sum(nil)[:16])
	}
	return n
}

// judge decides whether the VIM is believed, notes what differs on each VNF, and has the policy go on.
func (r *Reconciler) judge(ctx context.Context, at site, all []judged, s *Status, now time.Time) error {
	s.Vnfs, s.Drifted, s.DriftCounts = len(all), 0, vnf.DriftCounts{}
	var sum uint64            // of hashes: the order does not matter
	missing, expected := 0, 0 // without those that may be gone
	for i := range all {
		j := &all[i]
		s.Missing += j.noted.Missing
		s.Changed += j.noted.Changed
		s.Orphaned += j.noted.Orphaned
		s.Unsure += j.noted.Unsure
		if j.noted.Sum() > 0 {
			s.Drifted++
		}
		for t := range j.found.Missing {
			h := fnv.New64a()
			_, _ = h.Write([]byte(t.String())) // never fails
			sum ^= h.Sum64()
		}
		for k := range j.vnf.Resources {
			if x := &j.vnf.Resources[k]; x.Connection == at.ID && !x.MayBeGone {
				expected++
				if j.found.Missing[drift.TokenOf(x)] {
					missing++
				}
			}
		}
	}
	r.suspect(s, missing, expected, strconv.FormatUint(sum, 16))
	policy, err := r.policy(ctx, at, now)
	if err != nil {
		return err
	}
	policy.ill = s.Suspect
	var errs []error
	for i := range all {
		if err := r.settle(ctx, at, policy, &all[i], s.Suspect); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			errs = append(errs, fmt.Errorf("VNF %s: %w", all[i].vnf.ID, err))
		}
	}
	s.GivenUp = policy.givenUp()
	return errors.Join(errs...)
}

// suspect decides whether a VIM is to be believed that lacks so many of the resources that it is expected to have. Those that may be gone are on neither side: many of them would
// make up for any number of the others.
func (r *Reconciler) suspect(s *Status, missing, expected int, digest string) {
	if missing*100 <= expected*r.cfg.Settings.Suspect {
		s.Suspect, s.Same, s.Digest = false, 0, ""
		return
	}
	if s.Digest == digest {
		s.Same++
	} else {
		s.Same = 0
	}
	s.Digest = digest
	s.Suspect = r.cfg.Settings.Confirm == 0 || s.Same < r.cfg.Settings.Confirm
}

// settle notes what differs of a VNF, and repairs it where the policy says so.
func (r *Reconciler) settle(ctx context.Context, at site, policy *policy, j *judged, suspect bool) error {
	j.noted.Suspect = suspect && j.noted.Missing > 0
	repair, err := policy.of(ctx, j)
	if err != nil {
		return err
	}
	var pods []vnf.UnitPods
	if !suspect && !j.few { // a VIM that is not believed changes no record
		pods = j.found.Pods
	}
	j.noted.RepairGivenUp = j.noted.Sum() > 0 && policy.gaveUp(j.vnf.ID)
	if !r.news(j, at.ID) && len(pods) == 0 {
		if !repair {
			return nil
		}
		return policy.repair(ctx, j)
	}
	// What a saga without an operation releases late is no drift.
	live, err := r.cfg.Store.Sagas(ctx, eventstore.SagaQuery{Key: j.vnf.ID, Live: true, Limit: 1})
	if err != nil || len(live) > 0 {
		return err //nolint:wrapcheck // the store's own
	}
	noted, err := r.cfg.UseCases.NoteDrift(ctx, j.vnf.ID, vnf.NoteDrift{Version: j.vnf.Version, Connection: at.ID, Found: j.noted, Pods: pods})
	if err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	if noted && len(pods) > 0 {
		r.cfg.Logger.InfoContext(ctx, "pods noted", "vim_id", at.ID, "vnf_id", j.vnf.ID, "units", len(pods))
	}
	if noted && r.news(j, at.ID) {
		r.cfg.Logger.InfoContext(ctx, "drift noted", "vim_id", at.ID, "vnf_id", j.vnf.ID, "missing", j.noted.Missing, "changed", j.noted.Changed,
			"orphaned", j.noted.Orphaned, "unsure", j.noted.Unsure, "suspect", j.noted.Suspect, "given_up", j.noted.RepairGivenUp)
	}
	if !repair {
		return nil
	}
	return policy.repair(ctx, j)
}

// news reports whether what was found is to be noted: else the VNF need not be locked.
func (r *Reconciler) news(j *judged, connection string) bool {
	var before vnf.DriftNoted
	if j.vnf.Drift != nil {
		before = j.vnf.Drift.At[connection].DriftNoted
	}
	return before.Sum() != j.noted.Sum() || j.noted.Sum() > 0 && !before.Same(&j.noted)
}
