package simulation

import "fmt"

// enough is how many runs have everything that may happen in one. Fewer have a part of it.
const enough = 100

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
