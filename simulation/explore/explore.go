package explore

import "fmt"

// Result is what an exploration found.
type Result struct {
	States int
	// Rest is how many of them are at rest: both operations have ended and nothing is under way but messages, which may never arrive.
	Rest int
	// Wrong says what is wrong with the first bad state, "" when there is none; History leads to it, and none is shorter.
	Wrong   string
	History []string
}

// Explore visits every state of the protocol of reserves and releases without the rules named, until one is bad.
func Explore(without ...Rule) Result {
	return explore(state{}, model{lacking(without)}.steps, bad, atRest)
}

// ExploreChanges visits every state of the protocol of changes without the rules named, until one is bad.
func ExploreChanges(without ...Rule) Result {
	return explore(firstChange(), changeModel{lacking(without)}.steps, badChange, restChange)
}

func lacking(rules []Rule) map[Rule]bool {
	out := map[Rule]bool{}
	for _, r := range rules {
		out[r] = true
	}
	return out
}

func explore[S comparable](first S, steps func(S) []step[S], bad func(S) string, atRest func(S) bool) Result {
	type visit struct {
		from int
		what string
		s    S
	}
	queue := []visit{{from: -1, s: first}}
	seen := map[S]int{first: 0}
	before := map[int][]int{} // by place in the queue: from where it is reached
	var res Result
	var resting []int
	for i := 0; i < len(queue); i++ {
		s := queue[i].s
		if res.Wrong = bad(s); res.Wrong != "" {
			res.States = len(queue)
			for j := i; j > 0; j = queue[j].from {
				res.History = append([]string{queue[j].what}, res.History...)
			}
			return res
		}
		if atRest(s) {
			resting = append(resting, i)
		}
		for _, next := range steps(s) {
			j, ok := seen[next.next]
			if !ok {
				j = len(queue)
				seen[next.next] = j
				queue = append(queue, visit{from: i, what: next.what, s: next.next})
			}
			before[j] = append(before[j], i)
		}
	}
	res.States, res.Rest = len(queue), len(resting)
	if stuck := len(queue) - reaching(before, resting); stuck > 0 {
		res.Wrong = fmt.Sprintf("from %d states rest cannot be reached", stuck)
	}
	return res
}

// bad says what is wrong with a state: a token that is there twice, or, at rest, that the VIM does not have just what is held.
func bad(s state) string {
	for t, n := range s.vim {
		if n > 1 {
			return fmt.Sprintf("token %d is at the VIM twice", t+1)
		}
	}
	if !atRest(s) {
		return ""
	}
	there := 0
	for _, n := range s.vim {
		there += int(n)
	}
	switch {
	case s.wanted && there == 0:
		return "what an operation holds is not at the VIM"
	case s.wanted && there > 1:
		return "what an operation holds is at the VIM twice"
	case there > 0 && !s.wanted:
		return "the VIM has what nobody holds"
	}
	return ""
}

// atRest reports whether both operations have ended and nothing is under way.
func atRest(s state) bool {
	for _, r := range s.rows {
		if r.state == wanted || r.state == starting || r.state == releasing {
			return false
		}
	}
	return s.op >= operations && s.workers == [workers]worker{} && s.late == [operations]int8{}
}

// reaching counts the states from which one of the goals can be reached.
func reaching(before map[int][]int, goals []int) int {
	found := map[int]bool{}
	for _, g := range goals {
		found[g] = true
	}
	for i := 0; i < len(goals); i++ {
		for _, j := range before[goals[i]] {
			if !found[j] {
				found[j] = true
				goals = append(goals, j)
			}
		}
	}
	return len(found)
}
