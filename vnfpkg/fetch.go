package vnfpkg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
)

// Origin is where content is to be fetched from, and how to authenticate there. It is kept sealed: an address may hold a key, too.
type Origin struct {
	URI  string       `json:"uri"`
	Auth *egress.Auth `json:"auth,omitempty"`
}

// String tells the address without what may be secret in it.
func (s Origin) String() string {
	u, err := url.Parse(s.URI)
	if err != nil {
		return "(an address)"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// GoString tells what String tells.
func (s Origin) GoString() string { return s.String() }

// longestURI bounds an address to fetch from, in bytes.
const longestURI = 2048

// check refuses an address that cannot be fetched from.
func (s Origin) check() error {
	at := func(format string, args ...any) error {
		return vnfm.Errorf(vnfm.Unprocessable, format, args...).At("/addressInformation")
	}
	u, err := url.Parse(s.URI)
	switch {
	case len(s.URI) > longestURI:
		return at("The address has %d bytes; %d is the limit.", len(s.URI), longestURI)
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return at("The address is not an http or https URL.")
	case u.User != nil:
		return at("The address holds a user name; user name and password have attributes of their own.")
	}
	return nil
}

// secretRef names the row in which a package's source is sealed.
func secretRef(id string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableSecrets, ID: "package/" + id}
}

// FetchContent has the content fetched from an address, soon, by a Fetcher. The commit that says so is the answer: what becomes
// of it shows the package. It supersedes an upload under way. Returns NotFound; Conflict when the package has content;
// Unprocessable at the attribute for a source that cannot be used; Precondition.
func (s *Service) FetchContent(ctx context.Context, id string, from Origin, by request.Info) (*Package, error) {
	if err := from.check(); err != nil {
		return nil, err
	}
	if s.cfg.Keys == nil {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "Content is not fetched from addresses here.").At("/addressInformation")
	}
	plain, err := json.Marshal(from)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "encode the source of package %s", id)
	}
	upload := s.cfg.NewID()
	p, err := s.do(ctx, id, "package.begin-fetch", by, true, BeginFetch{
		Upload: upload, From: from.String(), Sealed: s.cfg.Keys.Seal(secretRef(id).ID, plain),
	})
	if err != nil {
		return nil, err
	}
	s.collectNow(ctx, p) // what it superseded
	return p, nil
}

// sealSource keeps the row of a package's source in step with whether the package is fetched.
func sealSource(l *eventstore.Loaded, c *eventstore.Commit, id string, p *Package, command Command) {
	ref := secretRef(id)
	row := l.Records[ref]
	begin, begun := command.(BeginFetch)
	switch {
	case begun:
		w := eventstore.RecordWrite{Record: eventstore.Record{Table: ref.Table, ID: ref.ID, Key: id, Group: "package", State: "SEALED", Doc: begin.Sealed}}
		if row != nil {
			w.Expected = row.Version
		}
		c.Records = append(c.Records, w)
	case row != nil && p.From == "" && len(c.Appends) > 0:
		c.Records = append(c.Records, eventstore.RecordWrite{Record: *row, Expected: row.Version, Delete: true})
	}
}

// Epochs says under which epoch a lane is held, if it is.
type Epochs interface {
	Epoch(lane int) (int64, bool)
}

// FetcherConfig says how content is fetched. Zero fields mean the default.
type FetcherConfig struct {
	Client   *egress.Client // the guarded way out; its timeout bounds one try
	Epochs   Epochs         // whose lanes' packages to fetch; nil: all
	Parallel int            // fetched at once; 2
	Attempts int            // before it is given up; 5
	Backoff  time.Duration  // before the second attempt, doubled for each next, up to a minute; 1 s
}

// Fetcher fetches the content of packages from the addresses that clients name. Each try begins with a commit and has a blob of its
// own: one that a crash ends is followed by another, and of two that two nodes make at once the later one counts.
type Fetcher struct {
	s   *Service
	cfg FetcherConfig

	mu   sync.Mutex
	busy map[string]bool      // by package
	next map[string]time.Time // by package: when it may be tried again; at once after a crash
}

const longestBackoff = time.Minute

// Fetcher returns what fetches the service's packages.
func (s *Service) Fetcher(cfg FetcherConfig) *Fetcher {
	if cfg.Parallel <= 0 {
		cfg.Parallel = 2
	}
	if cfg.Attempts <= 0 {
		cfg.Attempts = 5
	}
	if cfg.Backoff <= 0 {
		cfg.Backoff = time.Second
	}
	return &Fetcher{s: s, cfg: cfg, busy: map[string]bool{}, next: map[string]time.Time{}}
}

// Run fetches until the context ends, several packages at once, and returns nil when the last has ended.
func (f *Fetcher) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		due, err := f.due(ctx)
		if err != nil && ctx.Err() == nil {
			f.s.cfg.Logger.WarnContext(ctx, "packages to fetch not listed", "error", err)
		}
		for _, p := range due {
			if !f.take(p) {
				break
			}
			wg.Go(func() {
				defer f.release(p)
				if err := f.fetch(ctx, p); err != nil && ctx.Err() == nil {
					f.s.cfg.Logger.WarnContext(ctx, "package content not fetched", "pkg_id", p.ID, "from", p.From, "error", err)
				}
			})
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// RunOnce makes one try of one package and reports whether there was one to make.
func (f *Fetcher) RunOnce(ctx context.Context) (bool, error) {
	due, err := f.due(ctx)
	if err != nil || len(due) == 0 || !f.take(due[0]) {
		return false, err
	}
	defer f.release(due[0])
	return true, f.fetch(ctx, due[0])
}

// due returns the packages to fetch now.
func (f *Fetcher) due(ctx context.Context) ([]*Package, error) {
	now, err := f.s.cfg.Store.Now(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the clock: %w", err)
	}
	mine := map[int]bool{}
	for _, lane := range eventstore.Held(f.cfg.Epochs) {
		mine[lane] = true
	}
	var due []*Package
	under := map[string]bool{}
	_, err = f.s.Processor().each(ctx, StateUploading, func(p *Package, _ time.Time) (bool, error) {
		if p.From == "" || !mine[eventstore.LaneOf(p.ID)] {
			return false, nil
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		under[p.ID] = true
		if !f.busy[p.ID] && !now.Before(f.next[p.ID]) {
			due = append(due, p)
		}
		return false, nil
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.next, func(id string, _ time.Time) bool { return err == nil && !under[id] })
	return due, err
}

func (f *Fetcher) take(p *Package) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy[p.ID] || len(f.busy) >= f.cfg.Parallel {
		return false
	}
	f.busy[p.ID] = true
	return true
}

func (f *Fetcher) release(p *Package) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.busy, p.ID)
}

// fetch makes one try. Its error says that what came of it could not be recorded, or that it is tried again.
func (f *Fetcher) fetch(ctx context.Context, p *Package) error {
	upload := f.s.cfg.NewID()
	p, err := f.s.do(ctx, p.ID, "package.try-fetch", own(p.Upload), false, TryFetch{Upload: p.Upload, Next: upload, Blob: contentKey(p.ID, upload)})
	if over(err) {
		return nil
	}
	if err != nil {
		return err
	}
	f.s.collectNow(ctx, p) // of the try before
	from, err := f.source(ctx, p)
	if err != nil {
		return err
	}
	sum := sha256.New()
	b, err := f.get(ctx, from, sum)
	if err == nil {
		err = f.s.cfg.Blobs.Put(ctx, p.Blob, b)
		_ = b.Close()
	}
	if ctx.Err() != nil {
		return ctx.Err() //nolint:wrapcheck // the program stops, and goes on with it when it starts again
	}
	if err != nil {
		return f.failed(ctx, p, b, err)
	}
	_, err = f.s.do(ctx, p.ID, "package.end-upload", own(p.Upload), false,
		EndUpload{Upload: p.Upload, SHA256: hex.EncodeToString(sum.Sum(nil)), Size: b.size})
	if over(err) { // superseded or deleted: nobody needs what was stored
		f.s.remove(ctx, p.ID, []string{p.Blob})
		return nil
	}
	f.s.Nudge()
	return err
}

// over says that a try came too late.
func over(err error) bool {
	k := vnfm.KindOf(err)
	return k == vnfm.Conflict || k == vnfm.NotFound
}

// failed gives a try up, or the fetching when it cannot get better or was tried often enough.
func (f *Fetcher) failed(ctx context.Context, p *Package, b *fetched, err error) error {
	reason, again := failure(b, err)
	if again && p.Tries < f.cfg.Attempts {
		now, clock := f.s.cfg.Store.Now(ctx)
		if clock != nil {
			return fmt.Errorf("read the clock: %w", clock)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.next[p.ID] = now.Add(min(f.cfg.Backoff<<min(p.Tries-1, 10), longestBackoff))
		return fmt.Errorf("try %d of %d: %w", p.Tries, f.cfg.Attempts, err)
	}
	after, err := f.s.do(ctx, p.ID, "package.break-upload", own(p.Upload), false, BreakUpload{
		Upload: p.Upload, Reason: fmt.Sprintf("The content could not be fetched from %s: %s.", p.From, strings.TrimSuffix(reason, ".")),
	})
	if err != nil {
		return err
	}
	f.s.collectNow(ctx, after)
	return nil
}

// source opens what a package is fetched from.
func (f *Fetcher) source(ctx context.Context, p *Package) (Origin, error) {
	var from Origin
	ref := secretRef(p.ID)
	l, err := f.s.cfg.Store.Load(ctx, eventstore.Load{Records: []eventstore.RecordRef{ref}})
	if err != nil {
		return from, fmt.Errorf("load the source of package %s: %w", p.ID, err)
	}
	row := l.Records[ref]
	if row == nil {
		return from, vnfm.Errorf(vnfm.Internal, "the source of package %s is gone", p.ID)
	}
	plain, err := f.s.cfg.Keys.Open(ref.ID, row.Doc)
	if err != nil {
		return from, fmt.Errorf("open the source of package %s: %w", p.ID, err)
	}
	if err := json.Unmarshal(plain, &from); err != nil {
		return from, vnfm.Errorf(vnfm.Internal, "the source of package %s cannot be read", p.ID)
	}
	return from, nil
}

// fetched is an answer being read.
type fetched struct {
	body
	io.Closer
}

// get asks for the content.
func (f *Fetcher) get(ctx context.Context, from Origin, sum io.Writer) (*fetched, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.URI, nil)
	if err != nil {
		return nil, egress.Failure(egress.Refused, "the address cannot be used")
	}
	req.Header.Set("Accept", "application/zip, application/octet-stream;q=0.9, */*;q=0.1")
	res, err := f.cfg.Client.Do(ctx, req, from.Auth)
	if err != nil {
		return nil, err //nolint:wrapcheck // tells peer and class
	}
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		return nil, egress.Unexpected(res)
	}
	return &fetched{body: body{r: res.Body, limit: f.s.cfg.MaxContent, sum: sum}, Closer: res.Body}, nil
}

// failure says why a try failed, and whether another may do better.
func failure(b *fetched, err error) (reason string, again bool) {
	if b != nil && b.err != nil {
		err = b.err
	}
	var limit *vnfm.Error
	if errors.As(err, &limit) && limit.Kind == vnfm.TooLarge {
		return limit.Detail, false
	}
	switch status := egress.StatusOf(err); egress.ClassOf(err) {
	case egress.Refused, egress.Unusable, egress.TooLarge:
		return err.Error(), false
	case egress.Status:
		return err.Error(), status >= http.StatusInternalServerError || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
	case egress.Unreachable, egress.Timeout:
		return err.Error(), true
	}
	return "the content could not be stored", true
}
