package samples_test

import (
	"bytes"
	"testing"

	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/vnfd/csar"
)

func TestCSAR(t *testing.T) {
	t.Parallel()
	t.Run("two builds give the same bytes", func(t *testing.T) {
		t.Parallel()
		if !bytes.Equal(samples.CSAR(), samples.WithID(samples.VnfdID)) {
			t.Fatal("the archive differs from build to build")
		}
	})
	t.Run("it has no findings, not even in strict mode, and every file is listed with its hash", func(t *testing.T) {
		t.Parallel()
		data := samples.CSAR()
		pkg, err := csar.Open(bytes.NewReader(data), int64(len(data)), csar.Options{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		if pkg.Descriptor.ID != samples.VnfdID {
			t.Errorf("descriptor id %s", pkg.Descriptor.ID)
		}
		for _, f := range pkg.Files {
			if !f.Listed && f.Path != "firewall.mf" && f.Path != "TOSCA-Metadata/TOSCA.meta" {
				t.Errorf("%s is not listed", f.Path)
			}
		}
	})
	t.Run("a copy can have another descriptor id", func(t *testing.T) {
		t.Parallel()
		data := samples.WithID("11111111-2222-3333-4444-555555555555")
		pkg, err := csar.Open(bytes.NewReader(data), int64(len(data)), csar.Options{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		if pkg.Descriptor.ID != "11111111-2222-3333-4444-555555555555" {
			t.Errorf("descriptor id %s", pkg.Descriptor.ID)
		}
	})
}
