package csar_test

import (
	"archive/zip"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"maps"
	"math/big"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// now is when packages are onboarded in these tests: some time after they are signed, which is at the wall clock's time.
var now = time.Now().UTC().Truncate(time.Second).AddDate(0, 1, 0)

// identity is a key with its certificate, and those above it.
type identity struct {
	key   crypto.Signer
	cert  *x509.Certificate
	above []*x509.Certificate
}

// issue makes an identity that another vouches for, nil: a root.
func issue(t *testing.T, name string, key crypto.Signer, by *identity, until time.Time) *identity {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.AddDate(-1, 0, 0), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	parent, signer := template, key
	var above []*x509.Certificate
	if by != nil {
		parent, signer = by.cert, by.key
		above = append([]*x509.Certificate{by.cert}, by.above...)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &identity{key: key, cert: cert, above: above}
}

func rsaKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ecKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign makes a detached signature, in DER, with the signer's certificate and those above it, or none.
func (id *identity) sign(t *testing.T, content []byte, digest asn1.ObjectIdentifier, certificates bool) []byte {
	t.Helper()
	s, err := pkcs7.NewSignedData(content)
	if err != nil {
		t.Fatal(err)
	}
	s.SetDigestAlgorithm(digest)
	if err := s.AddSigner(id.cert, id.key, pkcs7.SignerInfoConfig{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range id.above {
		s.AddCertificate(c)
	}
	s.Detach()
	if !certificates {
		return withoutCertificates(t, s)
	}
	der, err := s.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// withoutCertificates ends a signature as the library does, but for the certificates, which it always adds.
func withoutCertificates(t *testing.T, s *pkcs7.SignedData) []byte {
	t.Helper()
	inner, err := asn1.Marshal(*s.GetSignedData())
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"explicit,tag:0"`
	}{pkcs7.OIDSignedData, asn1.RawValue{Class: 2, Tag: 0, Bytes: inner, IsCompound: true}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (id *identity) pem() string {
	var b strings.Builder
	for _, c := range append([]*x509.Certificate{id.cert}, id.above...) {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return b.String()
}

func roots(ids ...*identity) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, id := range ids {
		pool.AddCert(id.cert)
	}
	return pool
}

// listedIn returns the files with a manifest that lists them all, unsigned.
func listedIn(f files) (files, string) {
	var b strings.Builder
	b.WriteString("metadata:\n  vnfd_id: v1\n")
	for _, name := range slices.Sorted(maps.Keys(f)) {
		sum := sha256.Sum256([]byte(f[name]))
		b.WriteString("\nSource: " + name + "\nAlgorithm: SHA-256\nHash: " + hex.EncodeToString(sum[:]) + "\n")
	}
	return f.with("main.mf", b.String()), b.String()
}

func block(der []byte) string {
	text := base64.StdEncoding.EncodeToString(der)
	var b strings.Builder
	b.WriteString("-----BEGIN CMS-----\n")
	for ; len(text) > 64; text = text[64:] {
		b.WriteString(text[:64] + "\n")
	}
	return b.String() + text + "\n-----END CMS-----\n"
}

// authorities are the identities of these tests: a root, an authority under it, and signers of both kinds.
type authorities struct{ root, other, rsa, ec, expired *identity }

func newAuthorities(t *testing.T) authorities {
	t.Helper()
	far := now.AddDate(5, 0, 0)
	root := issue(t, "root", ecKey(t), nil, far)
	ca := issue(t, "authority", ecKey(t), root, far)
	return authorities{
		root: root, other: issue(t, "other root", ecKey(t), nil, far),
		rsa: issue(t, "RSA signer", rsaKey(t), ca, far), ec: issue(t, "ECDSA signer", ecKey(t), ca, far),
		expired: issue(t, "old signer", ecKey(t), ca, now.AddDate(0, 0, -1)),
	}
}

// TestSignatures has both options of SOL004, right and wrong, in each mode.
func TestSignatures(t *testing.T) {
	t.Parallel()
	a := newAuthorities(t)
	runs := small.with(main, template(vdu("A", image("size: 1 GiB"))))
	signed := func(id *identity) files {
		f, manifest := listedIn(runs)
		return f.with("main.mf", manifest+block(id.sign(t, []byte(manifest), pkcs7.OIDDigestAlgorithmSHA256, true)))
	}
	text := func(edit func(manifest string) string, sign func(manifest string) []byte) files {
		f, manifest := listedIn(runs)
		return f.with("main.mf", edit(manifest)+block(sign(manifest)))
	}
	same := func(m string) string { return m }
	sign := func(m string) []byte { return a.rsa.sign(t, []byte(m), pkcs7.OIDDigestAlgorithmSHA256, true) }
	beside := func(pairs ...string) files {
		f, manifest := listedIn(runs)
		der := a.rsa.sign(t, []byte(manifest), pkcs7.OIDDigestAlgorithmSHA256, false)
		return f.with("main.mf", manifest+block(der)).with(pairs...)
	}
	entry := runs.with(meta, runs[meta]+"ETSI-Entry-Certificate: Certs/vendor.pem\n")
	entry, entryManifest := listedIn(entry)
	entry = entry.with("main.mf", entryManifest+block(a.ec.sign(t, []byte(entryManifest), pkcs7.OIDDigestAlgorithmSHA256, false)), "Certs/vendor.pem", a.ec.pem())
	whole := runs.zip(t)
	option2 := func(der []byte, more ...string) []byte {
		return files{"fw.csar": string(whole), "fw.cms": string(der)}.with(more...).zip(t)
	}
	both := signed(a.ec).zip(t)
	artifact := func(pairs ...string) []byte {
		f := runs.with("Files/a.img", "image")
		f = f.with(pairs...)
		lists := files{}
		for name, content := range f {
			if ext := path.Ext(name); ext != ".cms" && ext != ".cert" {
				lists[name] = content
			}
		}
		_, manifest := listedIn(lists)
		return f.with("main.mf", manifest+block(sign(manifest))).zip(t)
	}
	named := func(signature string, der []byte) []byte {
		f := runs.with("Files/a.img", "image")
		f, manifest := listedIn(f)
		manifest = strings.Replace(manifest, "Source: Files/a.img\n", "Source: Files/a.img\nSignature: "+signature+"\nCertificate: sigs/c\n", 1)
		return f.with("main.mf", manifest+block(sign(manifest)), "sigs/s", string(der), "sigs/c", a.ec.pem()).zip(t)
	}
	ofImage := a.ec.sign(t, []byte("image"), pkcs7.OIDDigestAlgorithmSHA256, true)
	for name, tt := range map[string]struct {
		data    []byte
		report  string // the only rule in this mode, "" for none; "!" before it: an error
		require string
		option  string // of the verified signature
	}{
		"unsigned":                       {whole, "", "!not-signed", ""},
		"RSA":                            {signed(a.rsa).zip(t), "", "", "OPTION_1"},
		"ECDSA":                          {signed(a.ec).zip(t), "", "", "OPTION_1"},
		"SHA-384":                        {text(same, func(m string) []byte { return a.ec.sign(t, []byte(m), pkcs7.OIDDigestAlgorithmSHA384, true) }).zip(t), "", "", "OPTION_1"},
		"SHA-512":                        {text(same, func(m string) []byte { return a.rsa.sign(t, []byte(m), pkcs7.OIDDigestAlgorithmSHA512, true) }).zip(t), "", "", "OPTION_1"},
		"without the last line break":    {text(same, func(m string) []byte { return sign(strings.TrimSuffix(m, "\n")) }).zip(t), "", "", "OPTION_1"},
		"as mail software breaks lines":  {text(same, func(m string) []byte { return sign(strings.ReplaceAll(m, "\n", "\r\n")) }).zip(t), "", "", "OPTION_1"},
		"with CR LF":                     {text(func(m string) string { return strings.ReplaceAll(m, "\n", "\r\n") }, sign).zip(t), "", "", "OPTION_1"},
		"certificate beside":             {beside("main.cert", a.rsa.pem()).zip(t), "", "", "OPTION_1"},
		"certificate that meta names":    {entry.zip(t), "", "", "OPTION_1"},
		"no certificate":                 {beside().zip(t), "signature-not-verified", "!signature-not-verified", ""},
		"certificate of another":         {beside("main.cert", a.ec.pem()).zip(t), "signature-not-verified", "!signature-not-verified", ""},
		"SHA-1":                          {text(same, func(m string) []byte { return a.rsa.sign(t, []byte(m), pkcs7.OIDDigestAlgorithmSHA1, true) }).zip(t), "signature-not-verified", "!signature-not-verified", ""},
		"expired":                        {signed(a.expired).zip(t), "certificate-expired", "!certificate-expired", "OPTION_1"},
		"by nobody who is known":         {signed(issue(t, "mallory", ecKey(t), a.other, now.AddDate(1, 0, 0))).zip(t), "signature-untrusted", "!signature-untrusted", "OPTION_1"},
		"manifest changed":               {text(func(m string) string { return strings.Replace(m, "vnfd_id: v1", "vnfd_id:  v1", 1) }, sign).zip(t), "!signature-invalid", "!signature-invalid", ""},
		"manifest with a line more":      {text(func(m string) string { return m + "Source: x\n" }, sign).with("x", "x").zip(t), "!signature-invalid", "!signature-invalid", ""},
		"more behind the signature":      {appended(signed(a.rsa), "\nSource: x\n").zip(t), "!signature-invalid", "!signature-invalid", ""},
		"a file that is not listed":      {signed(a.rsa).with("Files/x", "x").zip(t), "unlisted-files", "!not-signed", "OPTION_1"},
		"a file that passes for a key":   {signed(a.rsa).with("Files/x.pem", "x").zip(t), "", "!not-signed", "OPTION_1"},
		"a file changed":                 {signed(a.rsa).with(main, runs[main]+"# changed\n").zip(t), "!wrong-hash", "!wrong-hash", ""},
		"a block that is no signature":   {runs.with("main.mf", "metadata:\n  vnfd_id: v1\n-----BEGIN CMS-----\nMIIF\n-----END CMS-----\n").zip(t), "signature-not-verified", "!signature-not-verified", ""},
		"a block without an end":         {runs.with("main.mf", "metadata:\n  vnfd_id: v1\n-----BEGIN CMS-----\nMIIF\n").zip(t), "signature-not-verified", "!signature-not-verified", ""},
		"the whole, RSA":                 {option2(a.rsa.sign(t, whole, pkcs7.OIDDigestAlgorithmSHA256, true)), "", "", "OPTION_2"},
		"the whole, ECDSA, PEM":          {option2(pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: a.ec.sign(t, whole, pkcs7.OIDDigestAlgorithmSHA256, true)})), "", "", "OPTION_2"},
		"the whole, certificate beside":  {option2(a.rsa.sign(t, whole, pkcs7.OIDDigestAlgorithmSHA256, false), "fw.cert", a.rsa.pem()), "", "", "OPTION_2"},
		"the whole, of something else":   {option2(a.rsa.sign(t, []byte("other"), pkcs7.OIDDigestAlgorithmSHA256, true)), "!signature-invalid", "!signature-invalid", ""},
		"the whole, by nobody":           {option2(a.other.sign(t, whole, pkcs7.OIDDigestAlgorithmSHA256, true)), "signature-untrusted", "!signature-untrusted", "OPTION_2"},
		"the whole, expired":             {option2(a.expired.sign(t, whole, pkcs7.OIDDigestAlgorithmSHA256, true)), "certificate-expired", "!certificate-expired", "OPTION_2"},
		"the whole, a bad certificate":   {option2(a.rsa.sign(t, whole, pkcs7.OIDDigestAlgorithmSHA256, true), "fw.cert", "nonsense"), "bad-certificate", "!bad-certificate", "OPTION_2"},
		"a CSAR in an archive, unsigned": {files{"fw.csar": string(whole)}.zip(t), "not-signed", "!not-signed", ""},
		"signed inside only":             {files{"fw.csar": string(both)}.zip(t), "not-signed", "not-signed", "OPTION_1"},
		"an artifact":                    {artifact("Files/a.img.cms", string(ofImage)), "", "", "OPTION_1"},
		"an artifact, as SOL004 says":    {artifact("Files/a.sig.cms", string(a.ec.sign(t, []byte("image"), pkcs7.OIDDigestAlgorithmSHA256, false)), "Files/a.cert", a.ec.pem()), "", "", "OPTION_1"},
		"an artifact in the manifest":    {named("sigs/s", a.ec.sign(t, []byte("image"), pkcs7.OIDDigestAlgorithmSHA256, false)), "", "", "OPTION_1"},
		"an artifact changed":            {artifact("Files/a.img", "changed", "Files/a.img.cms", string(ofImage)), "!signature-invalid", "!signature-invalid", ""},
		"a signature of no file":         {artifact("Files/b.img.cms", string(ofImage)), "signature-not-verified", "!signature-not-verified !not-signed", "OPTION_1"},
		"a signature that is not there":  {named("sigs/none", nil), "signature-not-verified", "!not-signed !signature-not-verified", "OPTION_1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for mode, want := range map[csar.Mode]string{csar.Report: tt.report, csar.Require: tt.require} {
				pkg, err := open(tt.data, csar.Options{Signatures: csar.Signatures{Mode: mode, Roots: roots(a.root), At: now}})
				var got []string
				for _, rule := range rules(err) {
					got = append(got, "!"+rule)
				}
				if pkg != nil {
					got = found(pkg)
				}
				if strings.Join(slices.Compact(got), " ") != want {
					t.Errorf("%s: %v, want %q: %v %v", mode, got, want, err, pkg)
				}
				if pkg == nil {
					continue
				}
				option := ""
				if pkg.Signature != nil {
					option = pkg.Signature.Option
					if trusted := want != "signature-untrusted" && want != "certificate-expired"; pkg.Signature.Trusted != trusted || pkg.Signature.Subject == "" || len(pkg.Signature.Fingerprint) != 64 {
						t.Errorf("%s: %+v", mode, pkg.Signature)
					}
				}
				if option != tt.option {
					t.Errorf("%s: option %q, want %q", mode, option, tt.option)
				}
			}
			if pkg, err := open(tt.data, csar.Options{Signatures: csar.Signatures{Mode: csar.Off}}); err == nil && pkg.Signature != nil {
				t.Errorf("off: %+v", pkg.Signature)
			}
		})
	}
}

func appended(f files, more string) files { return f.with("main.mf", f["main.mf"]+more) }

// Without roots nobody is trusted, and the report says so; what is signed is compared all the same.
func TestSignaturesWithoutRoots(t *testing.T) {
	t.Parallel()
	a := newAuthorities(t)
	f, manifest := listedIn(small.with(main, template(vdu("A", image("size: 1 GiB")))))
	f = f.with("main.mf", manifest+block(a.rsa.sign(t, []byte(manifest), pkcs7.OIDDigestAlgorithmSHA256, true)))
	pkg, err := open(f.zip(t), csar.Options{Signatures: csar.Signatures{Mode: csar.Report, At: now}})
	if err != nil || !slices.Equal(found(pkg), []string{"signature-untrusted"}) || !strings.Contains(pkg.Findings[0].Text, "package-signature-roots") {
		t.Fatalf("%v %v", err, pkg)
	}
	if _, err := open(appended(f, "more").zip(t), csar.Options{Signatures: csar.Signatures{Mode: csar.Report, At: now}}); !slices.Equal(rules(err), []string{"signature-invalid"}) {
		t.Error(err)
	}
}

// A certificate is judged at the time of onboarding: a package signed by a certificate that has expired since is no longer taken.
func TestSignatureExpires(t *testing.T) {
	t.Parallel()
	a := newAuthorities(t)
	f, manifest := listedIn(small.with(main, template(vdu("A", image("size: 1 GiB")))))
	data := f.with("main.mf", manifest+block(a.expired.sign(t, []byte(manifest), pkcs7.OIDDigestAlgorithmSHA256, true))).zip(t)
	at := func(when time.Time) error {
		_, err := open(data, csar.Options{Signatures: csar.Signatures{Mode: csar.Require, Roots: roots(a.root), At: when}})
		return err
	}
	if err := at(a.expired.cert.NotAfter); err != nil {
		t.Errorf("while it is valid: %v", err)
	}
	for _, when := range []time.Time{a.expired.cert.NotAfter.Add(time.Second), a.expired.cert.NotBefore.Add(-time.Second)} {
		if err := at(when); !slices.Equal(rules(err), []string{"certificate-expired"}) {
			t.Errorf("%v: %v", when, err)
		}
	}
}

// Signatures that another implementation made of one text, in the ways it can: openssl cms -sign.
func TestSignaturesOfOpenSSL(t *testing.T) {
	t.Parallel()
	file := func(name string) string {
		data, err := os.ReadFile(filepath.Join("testdata", "openssl", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(file("root.pem"))) {
		t.Fatal("no root")
	}
	for name, want := range map[string]string{
		"rsa-text": "", "ec-binary": "", "ec-noattr": "", "rsa-attached": "", "rsa-nocerts": "",
		"rsa-keyid": "signature-not-verified", "rsa-pss": "signature-not-verified", // known, and not supported
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pkg := small.with(main, template(vdu("A", image("size: 1 GiB"))), "main.mf", file("manifest.txt")+file(name+".cms"), "main.cert", file("rsa.pem")).mustOpenWith(t, csar.Options{
				Signatures: csar.Signatures{Mode: csar.Report, Roots: pool, At: now},
			})
			if got := strings.Join(found(pkg), " "); got != want {
				t.Errorf("%q, want %q: %v", got, want, pkg.Findings)
			}
			if changed := appended(files{"main.mf": file("manifest.txt")}, "# more\n")["main.mf"] + file(name+".cms"); want == "" {
				_, err := open(small.with("main.mf", changed, "main.cert", file("rsa.pem")).zip(t), csar.Options{Signatures: csar.Signatures{Mode: csar.Report, Roots: pool, At: now}})
				if !slices.Contains(rules(err), "signature-invalid") {
					t.Errorf("changed: %v", err)
				}
			}
		})
	}
}

// The CSAR in a signed package is read where it is when it is stored, and spooled when it is compressed once more.
func TestSignedPackageIsSpooled(t *testing.T) {
	t.Parallel()
	a := newAuthorities(t)
	whole := small.with(main, template(vdu("A", image("size: 1 GiB"))), "Files/x", strings.Repeat("0123456789", 10_000)).zip(t)
	der := a.ec.sign(t, whole, pkcs7.OIDDigestAlgorithmSHA256, true)
	pack := func(method uint16) []byte {
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		for name, data := range map[string][]byte{"fw.csar": whole, "fw.cms": der} {
			w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(data); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	for method, want := range map[uint16]int{zip.Store: 0, zip.Deflate: 1} {
		s := &spooler{}
		o := csar.Options{Spool: s.spool, Signatures: csar.Signatures{Mode: csar.Require, Roots: roots(a.root), At: now}}
		if _, err := open(pack(method), o); err != nil || s.opened != want || s.closed != want {
			t.Errorf("method %d: %v, %d opened, %d closed", method, err, s.opened, s.closed)
		}
		o.Limits.NestedBytes = int64(len(whole)) - 1
		_, err := open(pack(method), o)
		if es := vnfd.Errors(err); len(es) != 1 || es[0].Limit != "package-max-nested-bytes" {
			t.Errorf("method %d, too large: %v", method, err)
		}
		if s.opened != s.closed {
			t.Errorf("method %d: %d opened, %d closed", method, s.opened, s.closed)
		}
	}
	bomb := files{"fw.csar": strings.Repeat("\x00", 20<<20), "fw.cms": "x"}.zip(t)
	s := &spooler{}
	_, err := open(bomb, csar.Options{Spool: s.spool})
	if es := vnfd.Errors(err); len(es) != 1 || es[0].Limit != "package-max-ratio" || s.opened != s.closed {
		t.Errorf("a bomb: %v", err)
	}
	broken := errors.New("disk full")
	_, err = open(pack(zip.Deflate), csar.Options{Spool: func(io.Reader) (csar.Spooled, error) { return nil, broken }})
	if !errors.Is(err, broken) || len(vnfd.Errors(err)) > 0 {
		t.Errorf("a spool that fails is no fault of the package: %v", err)
	}
}

type spooler struct{ opened, closed int }

type spooled struct {
	*bytes.Reader
	s *spooler
}

func (s *spooler) spool(r io.Reader) (csar.Spooled, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	s.opened++
	return spooled{bytes.NewReader(data), s}, nil
}

func (s spooled) Close() error { s.s.closed++; return nil }

// A hostile signature costs no more than a right one.
func TestHostileSignatures(t *testing.T) {
	t.Parallel()
	nested := bytes.Repeat([]byte{0x30, 0x80}, 30_000)
	for name, der := range map[string][]byte{
		"nested without end": nested, "nested": append(slices.Clone(nested), make([]byte, 60_000)[:4000]...), "nothing": {}, "a length that lies": {0x30, 0x84, 0x7f, 0xff, 0xff, 0xff},
	} {
		pkg, err := open(small.with("main.mf", "metadata:\n  vnfd_id: v1\n"+block(der)).zip(t), csar.Options{Signatures: csar.Signatures{Mode: csar.Report, At: now}})
		if err != nil || !slices.Contains(found(pkg), "signature-not-verified") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
