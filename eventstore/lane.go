package eventstore

import (
	"hash/fnv"
	"strconv"
	"sync"
)

// Lanes is the number of lanes the key space is cut into.
const Lanes = 64

// LaneOf returns the lane of a key, 0 to Lanes-1.
func LaneOf(key string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return int(h.Sum32() % Lanes)
}

// KeyOf returns a key of a lane, for works that move a cursor and touch nothing else.
func KeyOf(lane int) string { return laneKeys()[lane] }

// laneKeys returns one key per lane.
//
//nolint:gochecknoglobals // computed once
var laneKeys = sync.OnceValue(func() *[Lanes]string {
	var keys [Lanes]string
	for n, found := 0, 0; found < Lanes; n++ {
		k := "cursor-" + strconv.Itoa(n)
		if lane := LaneOf(k); keys[lane] == "" {
			keys[lane] = k
			found++
		}
	}
	return &keys
})

// Held returns the lanes that an owner holds; none is not all. Where nobody owns lanes (nil) it returns all.
func Held(owner interface {
	Epoch(lane int) (epoch int64, held bool)
}) []int {
	out := make([]int, 0, Lanes)
	for lane := range Lanes {
		if owner != nil {
			if _, held := owner.Epoch(lane); !held {
				continue
			}
		}
		out = append(out, lane)
	}
	return out
}
