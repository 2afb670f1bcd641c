package decode

import (
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/sol"
)

func TestNestingIsBounded(t *testing.T) {
	deep := "1"
	for range 20_000 {
		deep = `{"a":` + deep + `}`
	}
	var r sol.CreateVnfRequest
	if err := Into([]byte(`{"vnfdId":"v","metadata":{"m":`+deep+`}}`), &r); vnfm.KindOf(err) != vnfm.Invalid {
		t.Errorf("%v", err)
	}
}
