package telemetry_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm/telemetry"
)

// TestCertificatesEnd: of a chain the certificate that ends first counts, a file that changed is read again, and one that cannot be read is 0.
func TestCertificatesEnd(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	certificate := func(end time.Time) []byte {
		c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: end.Add(-time.Hour), NotAfter: end}
		der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	soon, late := time.Unix(2_000_000_000, 0), time.Unix(3_000_000_000, 0)
	file := filepath.Join(t.TempDir(), "server.pem")
	write := func(b []byte) {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := telemetry.NewCertificates(func() map[string]string {
		return map[string]string{"server": file, "nfvo": "", "egress": file + ".gone"}
	})
	reg := prometheus.NewRegistry()
	reg.MustRegister(c)
	want := func(end int64) {
		t.Helper()
		families, err := reg.Gather()
		if err != nil || len(families) != 1 {
			t.Fatalf("%v, %v", families, err)
		}
		got := map[string]int64{}
		for _, m := range families[0].GetMetric() {
			got[m.GetLabel()[0].GetValue()] = int64(m.GetGauge().GetValue())
		}
		if want := map[string]int64{"egress": 0, "server": end}; !maps.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	write(append(certificate(late), certificate(soon)...))
	want(soon.Unix())
	write(certificate(late))
	want(late.Unix())
	write([]byte("none"))
	want(0)
}
