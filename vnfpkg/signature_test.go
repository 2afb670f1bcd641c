package vnfpkg_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"

	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
	"github.com/vnfm/vnfm/vnfpkg"
)

// vendor signs packages, from before the tests' time until some time.
func vendor(t *testing.T, until time.Time) (sign func(content []byte) []byte, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "vendor"}, NotBefore: epoch.AddDate(-30, 0, 0), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(cert)
	return func(content []byte) []byte {
		s, err := pkcs7.NewSignedData(content)
		if err != nil {
			t.Fatal(err)
		}
		s.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
		if err := s.AddSigner(cert, key, pkcs7.SignerInfoConfig{}); err != nil {
			t.Fatal(err)
		}
		s.Detach()
		der, err := s.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return der
	}, roots
}

// A package signed as a whole is uploaded as it is, and who signed it is kept with it. Certificates are judged by the store's
// clock at the time of onboarding.
func TestSignedPackageIsOnboarded(t *testing.T) {
	t.Parallel()
	until := time.Now().AddDate(30, 0, 0).Truncate(time.Second).UTC()
	sign, roots := vendor(t, until)
	content := archive(t, map[string]string{"fw.csar": string(samples.CSAR()), "fw.cms": string(sign(samples.CSAR()))})
	for name, tt := range map[string]struct {
		now     time.Time
		mode    csar.Mode
		content []byte
		state   string
		rule    string
	}{
		"signed":                 {epoch, csar.Require, content, vnfpkg.StateOnboarded, ""},
		"expired":                {until.Add(time.Second), csar.Require, content, vnfpkg.StateError, "certificate-expired"},
		"expired, and only said": {until.Add(time.Second), csar.Report, content, vnfpkg.StateOnboarded, "certificate-expired"},
		"not signed":             {epoch, csar.Require, samples.CSAR(), vnfpkg.StateError, "not-signed"},
		"changed":                {epoch, csar.Report, archive(t, map[string]string{"fw.csar": string(samples.WithID("other")), "fw.cms": string(sign(samples.CSAR()))}), vnfpkg.StateError, "signature-invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.now = tt.now
			w.more = func(c *vnfpkg.Config) { c.Signatures, c.Roots = tt.mode, roots }
			w.restart()
			id := w.create()
			w.upload(id, tt.content)
			w.process()
			p := w.get(id)
			said := ""
			for _, f := range p.Findings {
				said = f.Rule
			}
			for _, r := range p.Reasons {
				said = r.Rule
			}
			if p.Onboarding != tt.state || said != tt.rule {
				t.Fatalf("%s, %s: %s", p.Onboarding, said, p.Failure)
			}
			if p.Onboarding != vnfpkg.StateOnboarded {
				return
			}
			if s := p.Signature; s == nil || s.Option != "OPTION_2" || s.Subject != "CN=vendor" || s.Trusted != (tt.rule == "") || !s.NotAfter.Equal(until) {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Whoever reads for too long is stopped, and the package is rejected by the name of the limit; a program that stops rejects none.
func TestReadingAPackageEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.more = func(c *vnfpkg.Config) { c.Timeout = time.Nanosecond }
	w.restart()
	id := w.create()
	w.upload(id, samples.CSAR())
	ctx, cancel := context.WithCancel(t.Context())
	w.blobs.fault = func(call string) error {
		if call == "get" {
			cancel() // the program is told to stop while the content is opened
		}
		return nil
	}
	if _, err := w.processor.RunOnce(ctx); !errors.Is(err, context.Canceled) || w.get(id).Onboarding != vnfpkg.StateProcessing {
		t.Fatalf("%v: %s", err, w.get(id).Onboarding)
	}
	w.blobs.fault = nil
	w.process()
	p := w.get(id)
	if p.Onboarding != vnfpkg.StateError || len(p.Reasons) != 1 || p.Reasons[0].Limit != "package-timeout" || !strings.Contains(p.Failure, "package-timeout") {
		t.Errorf("%s: %s", p.Onboarding, p.Failure)
	}
}

// The limits of the settings reach the reader.
func TestLimitsOfTheSettings(t *testing.T) {
	t.Parallel()
	for limit, more := range map[string]func(c *vnfpkg.Config){
		"package-max-files": func(c *vnfpkg.Config) { c.Limits = vnfd.Limits{Files: 1} },
		vnfd.LimitVnfcs:     func(c *vnfpkg.Config) { c.MaxVnfcs = 1 },
	} {
		w := newWorld(t)
		w.more = more
		w.restart()
		id := w.create()
		w.upload(id, samples.CSAR())
		w.process()
		if p := w.get(id); p.Onboarding != vnfpkg.StateError || p.Reasons[0].Limit != limit {
			t.Errorf("%s: %s: %s", limit, p.Onboarding, p.Failure)
		}
	}
}

// A compressed CSAR in a signed package is spooled to a file, which is gone afterwards.
func TestNothingIsLeftOfASpooledPackage(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	sign, roots := vendor(t, time.Now().AddDate(30, 0, 0))
	for _, content := range []string{string(samples.CSAR()), "no archive"} {
		w := newWorld(t)
		w.more = func(c *vnfpkg.Config) { c.Signatures, c.Roots = csar.Require, roots }
		w.restart()
		id := w.create()
		w.upload(id, archive(t, map[string]string{"fw.csar": content, "fw.cms": string(sign([]byte(content)))}))
		w.process()
		if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
			t.Errorf("left: %v %v", files, err)
		}
	}
}
