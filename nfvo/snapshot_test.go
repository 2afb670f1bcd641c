package nfvo_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/nfvo"
)

const snapshot = `{"id":"s","vnfInstanceId":"v","vnfdId":"d","vnfcSnapshots":[{"id":"a","vnfcInstanceId":"c"}]}`

func packed(record string, change func(p *nfvo.SnapshotPackage)) *nfvo.SnapshotPackage {
	sum := sha256.Sum256([]byte(record))
	p := &nfvo.SnapshotPackage{ID: "pkg", State: nfvo.SnapshotPackageAvailable, SnapshotID: "s", VnfdID: "d",
		Record: &nfvo.SnapshotRecord{Path: "r", Algorithm: "sha-256", Hash: hex.EncodeToString(sum[:])}, Images: []nfvo.SnapshotImage{{ID: "a", VnfcID: "c"}}}
	if change != nil {
		change(p)
	}
	return p
}

// TestARecordThatDoesNotFitItsPackageIsRefused, each with what is wrong. Seen failing with each check taken out.
func TestARecordThatDoesNotFitItsPackageIsRefused(t *testing.T) {
	long := sha512.Sum512([]byte(snapshot))
	for _, ok := range []*nfvo.SnapshotPackage{
		packed(snapshot, nil),
		packed(snapshot, func(p *nfvo.SnapshotPackage) { p.Images, p.SnapshotID, p.VnfdID, p.Record.Algorithm = nil, "", "", "" }),
		packed(snapshot, func(p *nfvo.SnapshotPackage) {
			p.Record.Algorithm, p.Record.Hash = "SHA-512", strings.ToUpper(hex.EncodeToString(long[:]))
		}),
	} {
		if got, err := ok.Extract([]byte(snapshot)); err != nil || string(got) != snapshot {
			t.Errorf("%s, %v", got, err)
		}
	}
	in := `{"id":"i","vnfSnapshot":` + snapshot + `}`
	if got, err := packed(in, nil).Extract([]byte(in)); err != nil || string(got) != snapshot {
		t.Errorf("in a VnfSnapshotInfo: %s, %v", got, err)
	}
	twice := `{"id":"s","vnfInstanceId":"v","vnfdId":"d","vnfcSnapshots":[{"id":"a","vnfcInstanceId":"c"},{"id":"b","vnfcInstanceId":"c"}]}`
	for record, cases := range map[string]map[string]func(p *nfvo.SnapshotPackage){
		snapshot: {
			"checksum":            func(p *nfvo.SnapshotPackage) { p.Record.Hash = strings.Repeat("0", 64) },
			"no hex":              func(p *nfvo.SnapshotPackage) { p.Record.Hash = "xyz" },
			"algorithm":           func(p *nfvo.SnapshotPackage) { p.Record.Algorithm = "MD5" },
			`of the snapshot "s"`: func(p *nfvo.SnapshotPackage) { p.SnapshotID = "other" },
			`of the VNFD "d"`:     func(p *nfvo.SnapshotPackage) { p.VnfdID = "other" },
			"no image":            func(p *nfvo.SnapshotPackage) { p.Images[0].VnfcID = "other" },
		},
		"ï»¿PK\x03\x04": {"no JSON": nil}, `{}`: {"are needed": nil}, `{"id":1}`: {"no VnfSnapshot": nil}, twice: {"twice": nil},
		strings.Replace(snapshot, `"c"`, `""`, 1): {"vnfcSnapshots/0": nil},
	} {
		for word, change := range cases {
			_, err := packed(record, change).Extract([]byte(record))
			if vnfm.KindOf(err) != vnfm.Unprocessable || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), "pkg") {
				t.Errorf("%s: %v", word, err)
			}
		}
	}
	for word, change := range map[string]func(p *nfvo.SnapshotPackage){
		"BUILDING": func(p *nfvo.SnapshotPackage) { p.State = "BUILDING" }, "no space": func(p *nfvo.SnapshotPackage) { p.State, p.Failure = "ERROR", "no space" },
		"which file": func(p *nfvo.SnapshotPackage) { p.Record = nil }, "encrypted": func(p *nfvo.SnapshotPackage) { p.Record.Encrypted = true },
	} {
		if err := packed(snapshot, change).Usable(); vnfm.KindOf(err) != vnfm.Conflict || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
	if !json.Valid([]byte(snapshot)) {
		t.Error("the record of this test")
	}
}
