package explore_test

import (
	"strings"
	"testing"

	"github.com/vnfm/vnfm/simulation/explore"
)

// All rules together: no state of all there are is bad, and rest is always within reach.
func TestTheRulesAreEnough(t *testing.T) {
	r := explore.Explore()
	if r.Wrong != "" {
		t.Fatalf("%s after\n  %s", r.Wrong, strings.Join(r.History, "\n  "))
	}
	if r.Rest == 0 || r.States < 400 {
		t.Errorf("%d states, %d at rest: the model does hardly anything", r.States, r.Rest)
	}
	t.Logf("%d states, %d at rest", r.States, r.Rest)
}

// Each rule is needed: without it there is a history that ends badly.
func TestEachRuleIsNeeded(t *testing.T) {
	for _, rule := range explore.Rules() {
		t.Run(string(rule), func(t *testing.T) {
			r := explore.Explore(rule)
			if r.Wrong == "" {
				t.Fatalf("nothing goes wrong in %d states", r.States)
			}
			t.Logf("%s, after %d of the states:\n  %s", r.Wrong, r.States, strings.Join(r.History, "\n  "))
		})
	}
}

// The rules of changes together: a revision that was said to stand stands until a release, and rest is always within reach.
func TestTheRulesOfChangesAreEnough(t *testing.T) {
	r := explore.ExploreChanges()
	if r.Wrong != "" {
		t.Fatalf("%s after\n  %s", r.Wrong, strings.Join(r.History, "\n  "))
	}
	if r.Rest == 0 || r.States < 1000 {
		t.Errorf("%d states, %d at rest: the model does hardly anything", r.States, r.Rest)
	}
	t.Logf("%d states, %d at rest", r.States, r.Rest)
}

func TestEachRuleOfChangesIsNeeded(t *testing.T) {
	for _, rule := range explore.ChangeRules() {
		t.Run(string(rule), func(t *testing.T) {
			r := explore.ExploreChanges(rule)
			if r.Wrong == "" {
				t.Fatalf("nothing goes wrong in %d states", r.States)
			}
			t.Logf("%s, after %d of the states:\n  %s", r.Wrong, r.States, strings.Join(r.History, "\n  "))
		})
	}
}
