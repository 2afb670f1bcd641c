package server

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/eventstore"
)

// However little the process may open, and however much the settings ask for, requests and streams leave connections for
// those who ask for the server's health, and files for the rest of the program.
func TestCapacityKeepsRoom(t *testing.T) {
	for _, c := range []struct {
		connections, requests, followers int
		files                            uint64
		want                             [3]int
	}{
		{4096, 1024, 1000, 1 << 20, [3]int{4096, 1024, 1000}},
		{4096, 1024, 1000, 1024, [3]int{768, 376, 376}},
		{4096, 4, 1000, 1024, [3]int{768, 4, 376}},
		{4096, 1024, 20, 1024, [3]int{768, 732, 20}},
		{4096, 0, 0, 1 << 20, [3]int{4096, 2040, 2040}},
		{4096, 0, 0, 10, [3]int{32, 8, 8}},
		{100, 1024, 1000, 1 << 62, [3]int{100, 42, 42}},
	} {
		k := newCapacity(&config.HTTP{Connections: c.connections, Concurrent: c.requests, Followers: c.followers}, c.files, true)
		if got := [3]int{k.connections, k.requests.All, k.followers.All}; got != c.want {
			t.Errorf("%+v gives %v", c, got)
		}
	}
}

// Where nobody is asked for a name all are one caller, who may have all places for requests, but not all for streams.
func TestOneMachineSharesWithNobody(t *testing.T) {
	c := &config.HTTP{Connections: 4096, Concurrent: 20, CallerConcurrent: 5, Followers: 20, CallerFollowers: 5, LargeBodies: 4}
	for known, want := range map[bool][3]int{true: {5, 5, 2}, false: {20, 5, 4}} {
		k := newCapacity(c, 1<<20, known)
		var got [3]int
		for i, p := range []*access.Places{k.requests, k.followers, k.large} {
			for {
				if _, err := p.Take("a"); err != nil {
					break
				}
				got[i]++
			}
		}
		if got != want {
			t.Errorf("known %v: one caller gets %v, want %v", known, got, want)
		}
	}
}

// Whoever asks whether the server is ready hears of a full disk, and nothing of what a driver says.
func TestUnwritableSaysNoMoreThanItMust(t *testing.T) {
	if got := unwritable(fmt.Errorf("%w: %w: code 13", eventstore.ErrUnavailable, eventstore.ErrFull)); got != "the database cannot be written: the disk is full" {
		t.Error(got)
	}
	if got := unwritable(errors.New("cannot connect to postgres://user@db.example")); strings.Contains(got, "db.example") {
		t.Error(got)
	}
}
