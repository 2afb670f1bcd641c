package rest

import (
	"net/http/httptest"
	"testing"
	"time"
)

// slow is a client of which it is noted until when each part may be taken.
type slow struct {
	*httptest.ResponseRecorder
	until []time.Time
	parts []int
}

func (s *slow) SetWriteDeadline(t time.Time) error {
	s.until = append(s.until, t)
	return nil
}

func (s *slow) Write(b []byte) (int, error) {
	s.parts = append(s.parts, len(b))
	return s.ResponseRecorder.Write(b)
}

// A large file may take long, each part of it may not. Seen failing with one deadline for all.
func TestEachPartOfAFileHasItsTime(t *testing.T) {
	w := &slow{ResponseRecorder: httptest.NewRecorder()}
	p := &parts{w: w, server: &Server{Config{MinRate: partSize}}}
	content := make([]byte, 5*partSize/2)
	begun := time.Now()
	if n, err := p.Write(content); err != nil || n != len(content) || w.Body.Len() != n {
		t.Fatalf("%d, %v", n, err)
	}
	if len(w.parts) != 3 || w.parts[0] != partSize || len(w.until) != 3 {
		t.Errorf("%v until %v", w.parts, w.until)
	}
	for _, at := range w.until {
		if left := at.Sub(begun); left < grace+time.Second || left > grace+10*time.Second {
			t.Errorf("until %v", left)
		}
	}
}
