package vnfpkg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

const (
	pollEvery  = time.Second      // when nobody nudges
	sweepEvery = 10 * time.Minute // all packages, deleted ones too, for garbage
)

// Processor reads what was uploaded, ends uploads that nobody ends, and removes what is left over. Any number of nodes
// may run one: what two do at once has one effect, by the version of the package's stream. In keeps them from doing it twice.
type Processor struct {
	s      *Service
	epochs Epochs    // whose lanes' packages to work on; nil: all
	swept  time.Time // the store's clock at the last sweep
}

// In returns the processor bound to the packages in lanes held.
func (p *Processor) In(epochs Epochs) *Processor {
	p.epochs = epochs
	return p
}

func (p *Processor) mine(id string) bool {
	if p.epochs == nil {
		return true
	}
	_, held := p.epochs.Epoch(eventstore.LaneOf(id))
	return held
}

// Processor returns a processor of the service's packages.
func (s *Service) Processor() *Processor { return &Processor{s: s} }

// Nudge shortens the processor's wait.
func (s *Service) Nudge() {
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// Run processes packages until the context ends, then returns nil.
func (p *Processor) Run(ctx context.Context) error {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	for ctx.Err() == nil {
		more, err := p.RunOnce(ctx)
		if err != nil && ctx.Err() == nil {
			p.s.cfg.Logger.ErrorContext(ctx, "process packages", "error", err)
		}
		if more && err == nil {
			continue
		}
		timer.Reset(pollEvery)
		select {
		case <-ctx.Done():
		case <-p.s.nudge:
		case <-timer.C:
		}
	}
	return nil
}

// RunOnce processes every package that waits for it and reports whether it changed anything. A package that cannot be
// processed now (its content cannot be read from the store) does not keep the others from it; its error is returned.
func (p *Processor) RunOnce(ctx context.Context) (bool, error) {
	now, err := p.s.cfg.Store.Now(ctx)
	if err != nil {
		return false, fmt.Errorf("read the clock: %w", err)
	}
	done := false
	var errs []error
	step := func(did bool, err error) {
		done = done || did
		errs = append(errs, err)
	}
	step(p.each(ctx, StateProcessing, func(pkg *Package, _ time.Time) (bool, error) { return p.s.process(ctx, pkg) }))
	step(p.each(ctx, StateUploading, func(pkg *Package, updated time.Time) (bool, error) {
		if now.Sub(updated) < p.s.cfg.UploadTimeout {
			return false, nil
		}
		const reason = "The upload did not end: upload the content again."
		after, err := p.s.do(ctx, pkg.ID, "package.break-upload", own(pkg.Upload), false, BreakUpload{Upload: pkg.Upload, Reason: reason})
		if err != nil {
			return false, err
		}
		p.s.collectNow(ctx, after)
		return true, nil
	}))
	if p.swept.IsZero() || now.Sub(p.swept) >= sweepEvery {
		did, err := p.sweep(ctx)
		if err == nil {
			p.swept = now
		}
		step(did, err)
	}
	return done, errors.Join(errs...)
}

// each runs f for every package in a state.
func (p *Processor) each(ctx context.Context, state string, f func(*Package, time.Time) (bool, error)) (bool, error) {
	done := false
	var errs []error
	for after := ""; ; {
		views, err := p.s.cfg.Store.Views(ctx, eventstore.ViewQuery{Kind: readmodel.KindPackage, State: state, After: after, Limit: 100})
		if err != nil {
			return done, fmt.Errorf("list packages: %w", err)
		}
		for _, v := range views {
			after = v.ID
			if !p.mine(v.ID) {
				continue
			}
			pkg, err := decode(v)
			did := false
			if err == nil {
				did, err = f(pkg, v.Updated)
			}
			done = done || did
			errs = append(errs, err)
		}
		if len(views) < 100 || ctx.Err() != nil {
			return done, errors.Join(errs...)
		}
	}
}

// sweep looks at every package there ever was, and removes the garbage it finds: that of commits after which the process
// died.
func (p *Processor) sweep(ctx context.Context) (bool, error) {
	done := false
	for after := ""; ; {
		heads, err := p.s.cfg.Store.Streams(ctx, StreamPrefix, after, 100)
		if err != nil {
			return done, fmt.Errorf("list packages: %w", err)
		}
		for _, h := range heads {
			after = h.Stream
			id := strings.TrimPrefix(h.Stream, StreamPrefix)
			if !p.mine(id) {
				continue
			}
			did, err := p.s.collectGarbage(ctx, id)
			if err != nil {
				return done, err
			}
			done = done || did
		}
		if len(heads) < 100 {
			return done, nil
		}
	}
}

func (s *Service) collectGarbage(ctx context.Context, id string) (bool, error) {
	l, err := s.cfg.Store.Load(ctx, s.repo.Load(id))
	if err != nil {
		return false, fmt.Errorf("load package %s: %w", id, err)
	}
	state, err := s.repo.Read(l, &eventstore.Commit{}, id)
	if err != nil {
		return false, fmt.Errorf("load package %s: %w", id, err)
	}
	if len(state.Value.Garbage) == 0 {
		return false, nil
	}
	return true, s.collect(ctx, id, state.Value.Garbage)
}

// process reads the content of one package, outside any commit, and commits what it found.
func (s *Service) process(ctx context.Context, pkg *Package) (bool, error) {
	found, err := s.read(ctx, pkg)
	reasons := vnfd.Errors(err)
	switch {
	case len(reasons) > 0:
		return true, s.reject(ctx, pkg, rejected(pkg.Upload, reasons))
	case vnfm.KindOf(err) == vnfm.NotFound:
		return true, s.reject(ctx, pkg, OnboardingFailed{Upload: pkg.Upload, Detail: "The content is gone from the store: upload it again."})
	case err != nil:
		return false, fmt.Errorf("process package %s: %w", pkg.ID, err)
	}
	if did, err := s.rejectDuplicate(ctx, pkg, found.Descriptor.ID); did || err != nil {
		return did, err
	}
	digest, canonical := vnfd.Digest(found.Descriptor)
	if err := s.cfg.Blobs.Put(ctx, descriptorKey(digest), bytes.NewReader(canonical)); err != nil {
		return false, fmt.Errorf("store descriptor %s: %w", digest, err)
	}
	if err := s.putListing(ctx, pkg, &listing{Entry: found.Entry, Files: found.Files}); err != nil {
		return false, err
	}
	after, err := s.do(ctx, pkg.ID, "package.onboard", own(pkg.Upload), false, Onboard{Landed: landed(pkg.Upload, digest, found)})
	if err == nil && after.Deleted { // meanwhile: its content was removed before the listing came
		s.remove(ctx, pkg.ID, []string{pkg.Blob})
	}
	if !errors.Is(err, eventstore.ErrNameTaken) {
		return true, err
	}
	return s.rejectDuplicate(ctx, pkg, found.Descriptor.ID) // another package of the id was quicker
}

// rejectDuplicate rejects a package whose vnfdId belongs to another, and reports whether it does.
func (s *Service) rejectDuplicate(ctx context.Context, pkg *Package, vnfdID string) (bool, error) {
	first, err := s.byVnfdID(ctx, vnfdID)
	if err != nil || first == nil || first.ID == pkg.ID {
		return false, err
	}
	return true, s.reject(ctx, pkg, OnboardingFailed{
		Upload: pkg.Upload, Detail: fmt.Sprintf("The vnfdId %s belongs to the VNF package %s already.", vnfdID, first.ID),
	})
}

// reject commits that the content is no package, and removes it.
func (s *Service) reject(ctx context.Context, pkg *Package, failed OnboardingFailed) error {
	after, err := s.do(ctx, pkg.ID, "package.reject", own(pkg.Upload), false, Reject{Failed: failed})
	if err != nil {
		return err
	}
	s.collectNow(ctx, after)
	return nil
}

// read opens the content and reads it. A panic rejects this one package: the program would otherwise fall over it again
// after every start.
func (s *Service) read(ctx context.Context, pkg *Package) (found *csar.Package, err error) {
	content, size, err := s.open(ctx, pkg.Blob)
	if err != nil {
		return nil, err
	}
	defer content.Close() //nolint:errcheck // only read
	defer func() {
		if r := recover(); r != nil {
			s.cfg.Logger.ErrorContext(ctx, "panic while reading a package", "pkg_id", pkg.ID, "panic", r, "stack", string(debug.Stack()))
			found, err = nil, &vnfd.Error{Rule: "internal", Text: "the package cannot be read because of a defect of this program"}
		}
	}()
	now, err := s.cfg.Store.Now(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the clock: %w", err)
	}
	budget, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	return csar.Open(content, size, csar.Options{
		Strict: s.cfg.Strict, Limits: s.cfg.Limits, MaxVnfcs: s.cfg.MaxVnfcs, Spool: spooled,
		Signatures: csar.Signatures{Mode: s.cfg.Signatures, Roots: s.cfg.Roots, At: now},
		Stop: func() error {
			switch {
			case ctx.Err() != nil:
				return fmt.Errorf("read package: %w", ctx.Err())
			case budget.Err() != nil:
				return &vnfd.Error{Rule: "too-slow", Text: fmt.Sprintf("reading the package takes longer than %v, the limit package-timeout", s.cfg.Timeout), Limit: "package-timeout"}
			}
			return nil
		},
	})
}

func rejected(upload string, reasons []*vnfd.Error) OnboardingFailed {
	f := OnboardingFailed{Upload: upload}
	lines := make([]string, 0, len(reasons))
	for _, r := range reasons {
		f.Reasons = append(f.Reasons, *r)
		lines = append(lines, r.Error())
	}
	f.Detail = strings.Join(lines, "\n")
	return f
}

func landed(upload, digest string, found *csar.Package) Onboarded {
	d := found.Descriptor
	o := Onboarded{
		Upload: upload, DescriptorDigest: digest, VnfdID: d.ID, VnfdVersion: d.Version, Provider: d.Provider,
		ProductName: d.ProductName, SoftwareVersion: d.SoftwareVersion, VnfmInfo: d.VnfmInfo, Findings: found.Findings,
		Signature: found.Signature,
	}
	seen := map[vnfd.Image]bool{}
	add := func(img *vnfd.Image) {
		if img != nil && !seen[*img] {
			seen[*img] = true
			o.Images = append(o.Images, *img)
		}
	}
	for _, f := range d.Flavours {
		for i := range f.Vdus {
			add(f.Vdus[i].Image)
		}
		for i := range f.Storages {
			add(f.Storages[i].Image)
		}
	}
	return o
}
