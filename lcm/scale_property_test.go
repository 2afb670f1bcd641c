package lcm_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/vnf"
)

// Whatever is scaled out, in any steps of any aspects and by either operation, and scaled in again gives the VNF back as it was: the
// same VNFCs, links, ports, addresses and storages, the same resources, the same levels. On the way all that the records name is there.
// Seen failing with shared storage released with a VNFC, and with the oldest VNFC removed first.
func TestScalingOutAndInGivesTheVnfBack(t *testing.T) {
	config := map[string]vnf.ExtCpConfig{}
	for key, ip := range map[string]string{"a": "10.9.0.1", "b": "10.9.0.2"} {
		config[key] = vnf.ExtCpConfig{IPs: []vnf.ExtCpIPs{{Type: "IPV4", Fixed: []string{ip}}}}
	}
	config["rest"] = vnf.ExtCpConfig{}
	for seed := range uint64(5) {
		rnd := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a seeded test
		s, id := elastic(t, lcm.Settings{Window: 1 + rnd.IntN(4)}, ext("out", data("app_out", config)))
		s.scale(id, "SCALE_OUT", "apps", 1) // the first makes the server group that two need, which stays
		s.settle()
		was := s.vnf(id)
		at := map[string]int{"apps": 1}
		var back []lcm.ScaleToLevel
		for range 1 + rnd.IntN(4) {
			before := level(at["grow"], at["apps"])
			next := map[string]int{"grow": min(2, at["grow"]+rnd.IntN(3)), "apps": min(3, at["apps"]+rnd.IntN(2))}
			if 1+[]int{0, 1, 3}[next["grow"]]+next["apps"] > 6 {
				continue
			}
			if rnd.IntN(2) == 0 {
				s.scaleTo(id, level(next["grow"], next["apps"]))
				s.settle()
			} else {
				for _, aspect := range []string{"grow", "apps"} {
					if n := next[aspect] - at[aspect]; n > 0 {
						s.scale(id, "SCALE_OUT", aspect, n)
						s.settle()
					}
				}
			}
			at = next
			back = append(back, before)
			s.consistent(id)
			s.recorded(id)
		}
		for len(back) > 0 {
			s.scaleTo(id, back[len(back)-1])
			s.settle()
			back = back[:len(back)-1]
			s.consistent(id)
			s.recorded(id)
		}
		if now := s.vnf(id); !reflect.DeepEqual(now.Info, was.Info) || !reflect.DeepEqual(now.Resources, was.Resources) {
			t.Errorf("seed %d: was %+v\nis  %+v", seed, was.Info, now.Info)
		}
		s.finish()
	}
}
