package eventstore

import "hash/fnv"

// Lanes is the number of lanes the key space is cut into.
const Lanes = 64

// LaneOf returns the lane of a key, 0 to Lanes-1.
func LaneOf(key string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return int(h.Sum32() % Lanes)
}

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
