package vimtest

import (
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

func (s *suite) image(t *testing.T, right bool) vim.StartRequest {
	t.Helper()
	if s.Image == nil {
		t.Skip("not given: an image")
	}
	return vim.StartRequest{Token: token(), Kind: vim.SoftwareImage, Owner: uuid.NewString(), Spec: s.Image(t, right)}
}

// like is the same for another VNF.
func like(r vim.StartRequest) vim.StartRequest {
	r.Token, r.Owner = token(), uuid.NewString()
	return r
}

// stands waits until what may tell another token is ready.
func (s *suite) stands(t *testing.T, r vim.StartRequest, id string) {
	t.Helper()
	for range s.Polls {
		got, err := s.driver.Poll(t.Context(), s.Connection, r.Kind, id)
		switch {
		case err != nil:
			t.Fatalf("poll %s: %v", r.Kind, err)
		case got.Failed != nil:
			t.Fatalf("%s failed: %v", r.Kind, got.Failed)
		case got.Ready:
			return
		}
		s.Wait()
	}
	t.Fatalf("%s never got ready", r.Kind)
}

func (s *suite) gone(t *testing.T, kind vim.Kind, id string) {
	t.Helper()
	if _, err := s.driver.Poll(t.Context(), s.Connection, kind, id); vim.ClassOf(err) != message.NotFound {
		t.Errorf("poll of %s after its last release: %v", kind, err)
	}
}

func (s *suite) imageShared(t *testing.T) {
	a := s.image(t, true)
	b := like(a)
	first := s.start(t, a)
	s.stands(t, a, first.ID)
	again := s.start(t, a)
	second := s.start(t, b)
	s.stands(t, b, second.ID)
	if again.ID != first.ID || second.ID != first.ID {
		t.Errorf("one content is at the VIM as %s, %s and %s", first.ID, again.ID, second.ID)
	}
	for _, r := range []vim.StartRequest{a, b} {
		if ids := s.listed(t, r.Owner); len(ids) != 1 || ids[0] != first.ID {
			t.Errorf("%s has %v, want %s", r.Owner, ids, first.ID)
		}
		if got, err := s.driver.Find(t.Context(), s.Connection, r.Kind, r.Token); err != nil || got.ID != first.ID || got.Token != r.Token || got.Owner != r.Owner {
			t.Errorf("find: %+v, %v", got, err)
		}
	}
	s.release(t, a)
	if _, err := s.driver.Find(t.Context(), s.Connection, a.Kind, a.Token); vim.ClassOf(err) != message.NotFound {
		t.Errorf("find of what was released: %v", err)
	}
	s.stands(t, b, first.ID)
	s.release(t, a)
	s.stands(t, b, first.ID)
	s.release(t, b)
	s.gone(t, b.Kind, first.ID)
}

func (s *suite) imageRestart(t *testing.T) {
	a := s.image(t, true)
	res := s.start(t, a)
	if s.Restart != nil {
		s.driver = s.Restart(t, s.driver)
	}
	s.stands(t, a, res.ID)
	s.release(t, a)
	s.gone(t, a.Kind, res.ID)
}

func (s *suite) imagesAtOnce(t *testing.T) {
	a := s.image(t, true)
	all := []vim.StartRequest{a, like(a), like(a), like(a), like(a)}
	ids := make([]string, len(all))
	each := func(do func(i int, r vim.StartRequest)) {
		var wg sync.WaitGroup
		for i, r := range all {
			wg.Go(func() { do(i, r) })
		}
		wg.Wait()
	}
	each(func(i int, r vim.StartRequest) {
		res, err := s.driver.Start(t.Context(), s.Connection, r)
		if ids[i] = res.ID; err != nil {
			t.Errorf("start: %v", err)
		}
	})
	for i, r := range all {
		if s.stands(t, r, ids[i]); ids[i] != ids[0] {
			t.Errorf("one content is at the VIM as %s and %s", ids[0], ids[i])
		}
	}
	each(func(_ int, r vim.StartRequest) { s.release(t, r) })
	s.gone(t, a.Kind, ids[0])
}

func (s *suite) imageBad(t *testing.T) {
	a := s.image(t, false)
	if a.Spec.Image == nil {
		t.Skip("the VIM does not look at the content")
	}
	res := s.start(t, a)
	for range s.Polls {
		if res.Failed != nil {
			break
		}
		s.Wait()
		var err error
		if res, err = s.driver.Poll(t.Context(), s.Connection, a.Kind, res.ID); err != nil || res.Ready {
			t.Fatalf("poll: %+v, %v", res, err)
		}
	}
	if res.Failed == nil || res.Failed.Class != message.Permanent {
		t.Errorf("an image of another content: %+v", res)
	}
	b := like(a)
	other := s.start(t, b) // one that failed is shared with nobody
	s.release(t, a)
	s.release(t, b)
	s.gone(t, a.Kind, res.ID)
	s.gone(t, b.Kind, other.ID)
}
