package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/ledger"
)

const table = eventstore.TableVimCommands

func ref(id string) eventstore.RecordRef { return eventstore.RecordRef{Table: table, ID: id} }

// doc is a row's document.
type doc struct {
	Called int      `json:"called"`
	Needs  string   `json:"needs,omitempty"`
	Log    []string `json:"log,omitempty"`
}

// world is a store, a participant whose rows go from WANTED over BEGUN to DONE, and its worker.
type world struct {
	t     *testing.T
	now   func() time.Time
	store *memory.Store
	doer  *eventstore.Committer
	cfg   ledger.Config
	*ledger.Worker

	commits atomic.Int64
	call    func(ctx context.Context, id string) error // nil: does nothing
	then    func(context.Context)                      // of every step
	wrong   func(id, at string) error                  // what goes wrong at "step", "begin" or "end"
	mu      sync.Mutex
	calls   []string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: time.Now, wrong: func(string, string) error { return nil }}
	w.store = memory.New(memory.Config{Now: func() time.Time { return w.now() }})
	w.cfg = ledger.Config{
		Store: w.store, Logger: slog.New(slog.DiscardHandler), Tables: []string{table}, Step: w.step,
		Over: func(r *eventstore.Record) bool { return r.State == "DONE" },
	}
	w.process()
	return w
}

// process makes the parts of a new process.
func (w *world) process() {
	w.doer = eventstore.NewCommitter(w.store, eventstore.CommitterConfig{OnCommit: []func(*eventstore.Commit){func(c *eventstore.Commit) {
		w.commits.Add(1)
		w.OnCommit(c)
	}}})
	w.cfg.Doer = w.doer
	w.Worker = ledger.NewWorker(w.cfg)
}

func (w *world) step(_ context.Context, rec eventstore.Record) (*ledger.Step, error) {
	if err := w.wrong(rec.ID, "step"); err != nil {
		return nil, err
	}
	var deadline time.Time
	return &ledger.Step{
		Then: w.then, Load: []eventstore.RecordRef{ref(rec.ID)}, Timeout: 20 * time.Second, Deadline: func() time.Time { return deadline },
		Begin: func(b *ledger.Book) (bool, error) {
			r, err := ledger.Get[doc](b, ref(rec.ID))
			if err != nil || r == nil || r.State != "WANTED" {
				return false, err
			}
			deadline = b.Now.Add(20 * time.Second)
			r.Move("BEGUN", b.Now.Add(time.Hour))
			return true, w.wrong(rec.ID, "begin")
		},
		Call: func(ctx context.Context) error {
			w.mu.Lock()
			w.calls = append(w.calls, rec.ID)
			w.mu.Unlock()
			if w.call == nil {
				return nil
			}
			return w.call(ctx, rec.ID)
		},
		End: func(b *ledger.Book) error {
			r, err := ledger.Get[doc](b, ref(rec.ID))
			if err != nil || r == nil {
				return err
			}
			if r.Doc.Called++; r.Doc.Needs != "" { // only now is known what else is needed
				other, err := ledger.Get[doc](b, ref(r.Doc.Needs))
				if err != nil {
					return err
				}
				other.Doc.Log = append(other.Doc.Log, rec.ID)
				other.Touch()
			}
			r.Move("DONE", b.Now.Add(24*time.Hour))
			return w.wrong(rec.ID, "end")
		},
	}, nil
}

// add puts rows of a key and group into the ledger, due now, in one commit.
func (w *world) add(key, group string, ids ...string) {
	w.t.Helper()
	w.do(key, func(b *ledger.Book) error {
		for _, id := range ids {
			ledger.Add[doc](b, ref(id), key, group).Move("WANTED", b.Now)
		}
		return nil
	})
}

func (w *world) do(key string, f func(*ledger.Book) error) {
	w.t.Helper()
	if _, err := ledger.Do(w.t.Context(), w.doer, []string{key}, nil, f); err != nil {
		w.t.Fatal(err)
	}
}

// states returns the rows as "id STATE", in order of id.
func (w *world) states() []string {
	w.t.Helper()
	var out []string
	err := ledger.Each(w.t.Context(), w.store, eventstore.RecordQuery{Table: table}, func(r eventstore.Record) error {
		out = append(out, r.ID+" "+r.State)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) want(states ...string) {
	w.t.Helper()
	if got := w.states(); !slices.Equal(got, states) {
		w.t.Errorf("the rows are %q, want %q", got, states)
	}
}

func (w *world) once() bool {
	w.t.Helper()
	did, err := w.RunOnce(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return did
}

// run starts the loops and returns what stops them.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	last, end := context.WithCancel(w.t.Context())
	done, committed := make(chan error, 1), make(chan error, 1)
	go func() { committed <- w.doer.Run(last) }()
	go func() { done <- w.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		err := <-done
		end()
		if err := errors.Join(err, <-committed); err != nil {
			w.t.Error(err)
		}
	}
}

func ids(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("r%02d", i)
	}
	return out
}

func suffixed(ids []string, state string) []string {
	out := make([]string, len(ids))
	for i := range ids {
		out[i] = ids[i] + " " + state
	}
	return out
}

// Rows of one key and group that are due together are begun in one commit, called side by side, and ended in one.
func TestRowsOfOneKeyShareCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stop := w.run()
		w.add("vnf", "a", ids(10)...)
		synctest.Wait()
		w.want(suffixed(ids(10), "DONE")...)
		if n := w.commits.Load(); n != 3 {
			t.Errorf("%d commits, want one that adds, one that begins and one that ends", n)
		}
		stop()
	})
	w := newWorld(t)
	w.add("vnf", "a", ids(10)...)
	if !w.once() || w.once() {
		t.Error("not one step for all")
	}
	w.want(suffixed(ids(10), "DONE")...)
	if n := w.commits.Load(); n != 3 {
		t.Errorf("%d commits, want 3", n)
	}
}

// A row that becomes due while its call is under way is worked on once the call has ended, not beside it. Seen failing without a
// look at what is being worked on.
func TestARowIsNotWorkedOnTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var now, most atomic.Int64
		w.call = func(context.Context, string) error {
			most.Store(max(most.Load(), now.Add(1)))
			<-time.After(10 * time.Second)
			now.Add(-1)
			return nil
		}
		w.process()
		stop := w.run()
		again := func(b *ledger.Book) error {
			r, err := ledger.Get[doc](b, ref("r00"))
			if err == nil {
				r.Move("WANTED", b.Now)
			}
			return err
		}
		w.add("vnf", "a", "r00")
		<-time.After(time.Second)
		if _, err := ledger.Do(t.Context(), w.doer, []string{"vnf"}, []eventstore.RecordRef{ref("r00")}, again); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Second)
		w.mu.Lock()
		if len(w.calls) != 1 || most.Load() != 1 {
			t.Errorf("%d calls, %d at once", len(w.calls), most.Load())
		}
		w.mu.Unlock()
		<-time.After(5 * time.Second)
		w.want("r00 DONE")
		stop()
	})
}

// owns is an owner of some lanes.
type owns map[int]bool

func (o owns) Epoch(lane int) (int64, bool) { return 1, o[lane] }

// What this node commits for a lane that another node holds is the other's to work on. Seen failing with every row that was handed
// over worked on.
func TestRowsOfOthersLanesAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cfg.Epochs = owns{eventstore.LaneOf("mine"): true}
		if eventstore.LaneOf("mine") == eventstore.LaneOf("another's") {
			t.Fatal("the keys are of one lane")
		}
		w.process()
		stop := w.run()
		w.add("mine", "a", "r00")
		w.add("another's", "a", "r01")
		<-time.After(time.Minute)
		w.want("r00 DONE", "r01 WANTED")
		stop()
	})
}

// What cannot be done keeps nothing else from being done, and is tried again after a while. Seen failing without a commit for
// each.
func TestWhatGoesWrongIsLeftAlone(t *testing.T) {
	for _, at := range []string{"step", "begin", "end"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			var wrong, tried atomic.Int64
			w.wrong = func(id, where string) error {
				if id == "r03" && where == "step" {
					tried.Add(1)
				}
				if id == "r03" && where == at && wrong.Add(1) < 40 {
					return errors.New("injected")
				}
				return nil
			}
			w.process()
			stop := w.run()
			w.add("vnf", "a", ids(6)...)
			<-time.After(100 * time.Millisecond)
			got := w.states()
			if at3 := got[3]; at3 == "r03 DONE" {
				t.Errorf("with something wrong at %s it is done", at)
			}
			got = slices.Delete(got, 3, 4)
			if want := slices.Delete(suffixed(ids(6), "DONE"), 3, 4); !slices.Equal(got, want) {
				t.Errorf("with something wrong at %s the others are %v", at, got)
			}
			for range 100 { // it is left alone for a second, however often somebody asks
				w.Nudge()
				<-time.After(100 * time.Millisecond)
			}
			if n := tried.Load(); n > 12 {
				t.Errorf("with something wrong at %s it was tried %d times in ten seconds", at, n)
			}
			if n := wrong.Load(); at != "end" && (n < 4 || n > 12 || slices.Contains(w.states(), "r03 DONE")) {
				t.Errorf("wrong at %s %d times; the rows are %v", at, n, w.states())
			}
			stop()
		})
	}
}

// A stop in the middle of a call leaves what was begun to the next process.
func TestAStopInTheMiddleOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = func(ctx context.Context, id string) error {
			if id == "r00" {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		w.process()
		stop := w.run()
		w.add("vnf", "a", ids(2)...)
		<-time.After(time.Second)
		began := time.Now()
		stop()
		if time.Since(began) > 0 {
			t.Errorf("the stop took %s", time.Since(began))
		}
		w.want("r00 DONE", "r01 BEGUN")
	})
}

// The same where calls are made one after the other. Seen failing with what was cut off committed as what failed.
func TestAStopInTheMiddleOfOnce(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	w.call = func(ctx context.Context, id string) error {
		if id == "r00" {
			return errors.New("the VIM refuses")
		}
		stop()
		return ctx.Err()
	}
	w.process()
	w.add("vnf", "a", ids(2)...)
	if did, err := w.RunOnce(ctx); !did || err != nil {
		t.Fatal(did, err)
	}
	w.want("r00 DONE", "r01 BEGUN")
}

// Where calls are made one after the other, none is made after its time: the row is left as if its worker had died.
func TestOnceMakesNoCallAfterItsTime(t *testing.T) {
	w := newWorld(t)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w.now = func() time.Time { return at }
	w.call = func(context.Context, string) error {
		at = at.Add(11 * time.Second)
		return nil
	}
	w.process()
	w.add("vnf", "a", ids(4)...)
	w.once()
	w.want("r00 DONE", "r01 DONE", "r02 BEGUN", "r03 BEGUN")
}

// Groups take turns, and one with a backlog hides no other's.
func TestGroupsTakeTurns(t *testing.T) {
	w := newWorld(t)
	asked := 0
	w.cfg.Groups = func(context.Context) ([]string, error) {
		asked++
		return []string{"a", "b"}, nil
	}
	w.process()
	w.add("vnf-0", "a", "few")
	w.once()
	if asked > 0 {
		t.Error("the groups were asked for without a backlog")
	}
	for n := range 300 {
		w.add(fmt.Sprint("vnf-", n), "a", fmt.Sprintf("a%03d", n))
	}
	w.add("vnf-x", "b", "b")
	w.add("vnf-y", "unlisted", "aa")
	for range 6 {
		w.once()
	}
	if got := w.states(); !slices.Contains(got, "b DONE") || asked == 0 {
		t.Errorf("after some steps b is not done; the groups were asked for %d times", asked)
	}
}

// Rows that were kept for long enough go, many in one commit; one that somebody wants after all is left.
func TestRowsGoWhenTheyWereKeptForLongEnough(t *testing.T) {
	w := newWorld(t)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w.now = func() time.Time { return at }
	w.add("vnf", "a", ids(8)...)
	w.add("other", "b", "x")
	for w.once() {
	}
	at = at.Add(25 * time.Hour)
	w.cfg.Doer = &raced{Doer: w.doer, first: func() { // between what was read and what is written
		w.do("vnf", func(b *ledger.Book) error {
			r, err := ledger.Get[doc](b, ref("r00"))
			if err == nil {
				r.Move("WANTED", b.Now.Add(time.Hour))
			}
			return err
		})
	}}
	w.Worker = ledger.NewWorker(w.cfg)
	before := w.commits.Load()
	for w.once() {
	}
	w.want("r00 WANTED")
	if n := w.commits.Load() - before; n > 3 {
		t.Errorf("%d commits", n)
	}
}

// raced lets another go first, once.
type raced struct {
	eventstore.Doer
	first func()
}

func (r *raced) Do(ctx context.Context, work *eventstore.Work) (*eventstore.Commit, error) {
	if f := r.first; f != nil {
		r.first = nil
		f()
	}
	return r.Doer.Do(ctx, work)
}
