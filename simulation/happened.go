package simulation

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/vnfm/vnfm/eventstore"
)

// Event is something that must have come about for what the runs show to be worth something: a kind of request that was taken, or of
// trouble in the middle of a change.
type Event string

// The events.
const (
	Started         Event = "operate: start"
	StoppedForceful Event = "operate: stop, forceful"
	StoppedGraceful Event = "operate: stop, graceful"
	OperatedSome    Event = "operate: some VNFCs"
	LevelGiven      Event = "instantiate: a level"
	ScaledOut       Event = "scale: out"
	ScaledIn        Event = "scale: in"
	ScaledInNamed   Event = "scale: in, of named VNFCs"
	ScaledToLevel   Event = "scale: to a level"
	Healed          Event = "heal: all"
	HealedSome      Event = "heal: some VNFCs"
	Connected       Event = "connect: another network"
	Disconnected    Event = "connect: disconnected"
	FlavourChanged  Event = "change flavour"
	FlavourOfUnits  Event = "change flavour: of containers"
	Upgraded        Event = "change package"
	ChangeLost      Event = "change: answer lost"
	ChangeLate      Event = "change: late effect"
	ChangeTwice     Event = "change: made twice"
	ChangeHalf      Event = "change: made by half"
	ChangeHung      Event = "change: hung"
	AnsweredTwice   Event = "change: answered twice"
	ChangeLower     Event = "change: lower revision came later"
	ChangeUndone    Event = "change: undone"
	CrashedChanging Event = "change: worker died between its commits"
	RestoredChanged Event = "change: forgotten by a ledger that went back"
	Replaced        Event = "replaced"
	Configured      Event = "configured"
	VimForgot       Event = "behind our back: a resource removed"
	Tampered        Event = "behind our back: a machine turned off or on"
	Synced          Event = "sync: a repair"
	InSync          Event = "sync: nothing to repair"
	// DriftNoted and RepairedByItself are what comes of comparing VIMs with the records.
	DriftNoted       Event = "reconcile: a difference noted, or its end"
	RepairedByItself Event = "reconcile: a repair by the policy"
	SagaSwept        Event = "kept: an ended saga swept"
	RowRemoved       Event = "kept: a ledger row removed"
	ImageMade        Event = "made: an image that the site lacks"
	// Batched and BatchSplit are commits of several works at once, and those that one of them spoilt.
	Batched         Event = "commit: several works in one"
	BatchSplit      Event = "commit: several works, one of them to blame"
	ComparedChanged Event = "revision and power compared of what was changed"
	ComparedUnit    Event = "objects and replicas compared of a unit that was changed"
	// PackageRevert is a reversion to a snapshot package that was asked for; RevertedToPackage and RevertedToTaken are those that landed, and were judged.
	PackageRevert     Event = "snapshot package: reversion asked for"
	RevertedToPackage Event = "snapshot package: reverted to"
	RevertedToTaken   Event = "snapshot: reverted to"
)

// Ended is the event that an operation of a type has ended in a state.
func Ended(operation, state string) Event { return Event("ended: " + operation + " " + state) }

// Events lists those that the seeds of a test must show; what is rarer is counted all the same.
func Events() []Event {
	return []Event{
		Started, StoppedForceful, StoppedGraceful, OperatedSome, LevelGiven, ChangeLost, ChangeLate, ChangeHalf,
		AnsweredTwice, CrashedChanging, RestoredChanged, Replaced, Configured, ComparedChanged, SagaSwept, RowRemoved, Batched,
		Modified, KeyUsedAgain, DozensOfThem,
		Ended("INSTANTIATE", "COMPLETED"), Ended("INSTANTIATE", "ROLLED_BACK"), Ended("INSTANTIATE", "FAILED"), Ended("TERMINATE", "COMPLETED"),
		Ended("OPERATE", "COMPLETED"),
	}
}

// RareEvents lists those that only so many seeds show for sure as make sim runs when nobody says how many.
func RareEvents() []Event {
	return []Event{
		ChangeLower, ChangeTwice, ChangeHung, BatchSplit, ScaledOut, Ended("SCALE", "COMPLETED"), Healed, HealedSome, Ended("HEAL", "COMPLETED"), VimForgot, Tampered, Synced, InSync, DriftNoted, RepairedByItself,
		Upgraded, Ended("CHANGE_VNFPKG", "COMPLETED"), Connected, Ended("CHANGE_EXT_CONN", "COMPLETED"), SnapshotAsked, Ended("CREATE_SNAPSHOT", "COMPLETED"),
		Ended("OPERATE", "FAILED"), Ended("OPERATE", "ROLLED_BACK"), ChangeUndone, PackageRevert, RevertedToPackage, RevertedToTaken,
	}
}

// forgotten counts what a ledger that went back does not know any more of changes.
func (w *world) forgotten() {
	for _, e := range w.sim.Inventory() {
		ref := eventstore.RecordRef{Table: eventstore.TableVimResources, ID: e.Token}
		l, err := w.store.Load(context.Background(), eventstore.Load{Records: []eventstore.RecordRef{ref}})
		w.must(err)
		var doc struct {
			Revision int `json:"revision"`
		}
		if row := l.Records[ref]; row != nil {
			w.must(json.Unmarshal(row.Doc, &doc))
		}
		if doc.Revision < e.Revision && e.Revision > 1 {
			w.happened[RestoredChanged]++
		}
	}
}

// enough is how many runs have everything that may happen in one. Fewer have a part of it.
const enough = 100

// plenty is how many runs have what is rare, too.
const plenty = 10 * enough

// least is how often each event has happened in so many runs at least.
const least = 1

// Vacuous says what runs did not have that so many should: what is promised of it they do not show. It is empty when all is well.
func (s *Sum) Vacuous() []string {
	var out []string
	lack := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if s.Seeds == 0 {
		return []string{"no seed was run"}
	}
	if s.Actions < s.Seeds || s.Commits < 10*s.Seeds {
		lack("%d client actions and %d commits in %d seeds", s.Actions, s.Commits, s.Seeds)
	}
	if s.Seeds >= 6 && (s.Calls == 0 || len(s.Operations) == 0 || len(s.Faults) < len(Faults())/4) {
		lack("%d VIM calls, %d outcomes of operations, %d of %d kinds of faults in %d seeds", s.Calls, len(s.Operations), len(s.Faults), len(Faults()), s.Seeds)
	}
	if s.Seeds < enough {
		return out
	}
	for _, f := range Faults() {
		if s.Faults[f] == 0 {
			lack("no seed has the fault %s", f)
		}
	}
	for _, e := range Events() {
		if s.Happened[e] < least*(s.Seeds/enough) {
			lack("%d seeds have %d times: %s", s.Seeds, s.Happened[e], e)
		}
	}
	for _, e := range RareEvents() {
		if s.Seeds >= plenty && s.Happened[e] == 0 {
			lack("%d seeds have never: %s", s.Seeds, e)
		}
	}
	if s.Told == 0 || s.GivenUp == 0 {
		lack("%d deliveries to subscribers, %d notifications given up", s.Told, s.GivenUp)
	}
	for _, state := range []string{"COMPLETED", "ROLLED_BACK", "FAILED_TEMP"} {
		if s.Operations[state] == 0 {
			lack("no operation is %s when faults end", state)
		}
	}
	return out
}
