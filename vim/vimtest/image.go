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

// stands looks for what tokens share until it is ready, and returns its id. What is not there any more, since making it has broken off, is asked for again.
func (s *suite) stands(t *testing.T, r vim.StartRequest) string {
	t.Helper()
	for range s.Polls {
		got, err := s.driver.Find(t.Context(), s.Connection, r.Kind, r.Token)
		if vim.ClassOf(err) == message.NotFound {
			got, err = s.start(t, r), nil
		}
		switch {
		case err != nil:
			t.Fatalf("find %s: %v", r.Kind, err)
		case got.Failed != nil:
			t.Fatalf("%s failed: %v", r.Kind, got.Failed)
		case got.Ready:
			return got.ID
		}
		s.Wait()
	}
	t.Fatalf("%s never got ready", r.Kind)
	return ""
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
	s.start(t, a)
	first, again := s.stands(t, a), s.stands(t, a)
	second := s.stands(t, b)
	if again != first || second != first {
		t.Errorf("one content is at the VIM as %s, %s and %s", first, again, second)
	}
	if got, err := s.driver.Poll(t.Context(), s.Connection, a.Kind, first); err != nil || !got.Ready || got.Token != a.Token && got.Token != b.Token {
		t.Errorf("poll: %+v, %v", got, err)
	}
	for _, r := range []vim.StartRequest{a, b} {
		if ids := s.listed(t, r.Owner); len(ids) != 1 || ids[0] != first {
			t.Errorf("%s has %v, want %s", r.Owner, ids, first)
		}
		if got, err := s.driver.Find(t.Context(), s.Connection, r.Kind, r.Token); err != nil || got.ID != first || got.Token != r.Token || got.Owner != r.Owner {
			t.Errorf("find: %+v, %v", got, err)
		}
	}
	s.release(t, a)
	if _, err := s.driver.Find(t.Context(), s.Connection, a.Kind, a.Token); vim.ClassOf(err) != message.NotFound {
		t.Errorf("find of what was released: %v", err)
	}
	s.stands(t, b)
	s.release(t, a)
	if now := s.stands(t, b); now != first {
		t.Errorf("after a release of another that came twice it is %s, and was %s", now, first)
	}
	s.release(t, b)
	s.gone(t, b.Kind, first)
}

func (s *suite) imageRestart(t *testing.T) {
	a := s.image(t, true)
	s.start(t, a)
	if s.Restart != nil {
		s.driver = s.Restart(t, s.driver)
	}
	id := s.stands(t, a)
	s.release(t, a)
	s.gone(t, a.Kind, id)
}

func (s *suite) imagesAtOnce(t *testing.T) {
	a := s.image(t, true)
	all := []vim.StartRequest{a, like(a), like(a), like(a), like(a)}
	each := func(do func(r vim.StartRequest)) {
		var wg sync.WaitGroup
		for _, r := range all {
			wg.Go(func() { do(r) })
		}
		wg.Wait()
	}
	each(func(r vim.StartRequest) {
		if _, err := s.driver.Start(t.Context(), s.Connection, r); err != nil {
			t.Errorf("start: %v", err)
		}
	})
	id := s.stands(t, a)
	for _, r := range all {
		if other := s.stands(t, r); other != id {
			t.Errorf("one content is at the VIM as %s and %s", id, other)
		}
	}
	each(func(r vim.StartRequest) { s.release(t, r) })
	s.gone(t, a.Kind, id)
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
		if res = s.start(t, a); res.Ready {
			t.Fatalf("%+v", res)
		}
	}
	if res.Failed == nil || res.Failed.Class != message.Permanent {
		t.Errorf("an image of another content: %+v", res)
	}
	s.release(t, a)
	s.gone(t, a.Kind, res.ID)
}
