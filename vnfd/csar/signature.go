package csar

import (
	"bytes"
	"crypto/x509"
	"errors"
	"hash"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
)

// The options of SOL004 §5 for the security of a package.
const (
	optionManifest = "OPTION_1"
	optionCSAR     = "OPTION_2"
)

// judge is what is done with signatures, and where what is wrong with them is said.
type judge struct {
	Signatures
	problems *vnfd.Problems
}

// wrongf records something wrong with a signature or its signer: an error where signatures are required.
func (j *judge) wrongf(rule string, at vnfd.Position, format string, args ...any) {
	if j.Mode == Require {
		j.problems.Failf(rule, at, format, args...)
	} else {
		j.problems.Findf(rule, at, format, args...)
	}
}

// off says once that a signature is there and not looked at.
func (j *judge) off(at vnfd.Position, what string) bool {
	if j.Mode != Off && j.Mode != "" {
		return false
	}
	j.problems.Findf("signature-not-verified", at, "%s signed; the signature is not verified (package-signatures is off)", what)
	return true
}

// check verifies one signature and says what is wrong with it. It returns the signers of one that is of the content. Its error is
// the store's, or the archive's.
func (j *judge) check(at vnfd.Position, what string, data []byte, beside []*x509.Certificate, of ...content) ([]signer, bool, error) {
	var signers []signer
	err := errChanged
	for _, c := range of {
		if signers, err = verify(data, beside, c); err == nil || !errors.Is(err, errChanged) {
			break
		}
	}
	switch {
	case errors.Is(err, errChanged):
		j.problems.Failf("signature-invalid", at, "the signature of %s is wrong: %s", what, err)
		return nil, false, nil
	case errors.Is(err, errUnverifiable):
		j.wrongf("signature-not-verified", at, "the signature of %s is not verified: %s", what, err)
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	trusted := true
	for _, s := range signers {
		if err := s.trust(j.Roots, j.At); err != nil {
			trusted = false
			j.distrust(at, what, s, err)
		}
	}
	return signers, trusted, nil
}

func (j *judge) distrust(at vnfd.Position, what string, s signer, err error) {
	subject := vnfd.Quote(s.certificate.Subject.String())
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		j.wrongf("certificate-expired", at, "the signature of %s is by %s: %s", what, subject, err)
	case j.Roots == nil:
		j.wrongf("signature-untrusted", at, "the signature of %s is by %s, whom nobody vouches for: no roots are configured (package-signature-roots)", what, subject)
	default:
		j.wrongf("signature-untrusted", at, "the signature of %s is by %s, and the certificate leads to none of the configured roots: %s", what, subject, err)
	}
}

// checkSignatures verifies the signature of the manifest and those of files. It runs after all files were hashed.
func (c *csar) checkSignatures() error {
	if err := c.checkManifestSignature(); err != nil {
		return err
	}
	files := c.fileSignatures()
	c.fileSigned = files
	if c.judge.Mode == Require && !c.signedWhole {
		if c.manifest == nil || c.manifest.cms == nil {
			c.Failf("not-signed", vnfd.Position{}, "the package is not signed, which package-signatures demands")
		} else if c.pkg.Signature != nil {
			c.checkCovered(files)
		}
	}
	return c.checkFileSignatures(files)
}

// checkManifestSignature verifies option 1: the manifest ends with a signature of what is before it.
func (c *csar) checkManifestSignature() error {
	m := c.manifest
	if m == nil || m.cms == nil || c.judge.off(m.cmsAt, "the manifest is") {
		return nil
	}
	beside, file, err := c.manifestCertificate()
	if err != nil {
		return err
	}
	var of []content
	for _, text := range writings(m.signed) {
		of = append(of, inMemory(text))
	}
	signers, trusted, err := c.judge.check(m.cmsAt, "the manifest", m.cms, beside, of...)
	if err != nil || len(signers) == 0 {
		return err
	}
	s := signers[0].describe(optionManifest)
	s.Trusted, s.Certificate = trusted, file
	c.pkg.Signature = s
	return nil
}

// writings returns the ways in which one text may have been signed: signers differ in whether the line break before the
// signature belongs to it, and mail software, of which CMS comes, breaks lines with CR LF.
func writings(text []byte) [][]byte {
	var out [][]byte
	for _, t := range [][]byte{text, bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r")), bytes.TrimRight(text, "\r\n")} {
		plain := bytes.ReplaceAll(t, []byte("\r\n"), []byte("\n"))
		for _, w := range [][]byte{t, plain, bytes.ReplaceAll(plain, []byte("\n"), []byte("\r\n"))} {
			if !slices.ContainsFunc(out, func(o []byte) bool { return bytes.Equal(o, w) }) {
				out = append(out, w)
			}
		}
	}
	return out
}

// manifestCertificate finds the certificate that is not in the signature: where TOSCA.meta says, or beside the manifest.
func (c *csar) manifestCertificate() ([]*x509.Certificate, string, error) {
	names := []string{c.certificate}
	stem := strings.TrimSuffix(c.manifest.name, path.Ext(c.manifest.name))
	for _, ext := range []string{".cert", ".crt", ".pem", ".cer"} {
		names = append(names, stem+ext)
	}
	for _, name := range names {
		if name != "" && c.Has(name) {
			certs, err := c.readCertificates(name)
			return certs, name, err
		}
	}
	return nil, "", nil
}

// readCertificates reads a file of certificates; what holds none is found.
func (c *csar) readCertificates(name string) ([]*x509.Certificate, error) {
	data, err := c.Content(name, c.limits.SignatureBytes, "signature-bytes")
	if err != nil {
		return nil, err
	}
	certs, err := certificates(data)
	if err != nil {
		c.judge.wrongf("bad-certificate", vnfd.Position{File: name}, "the certificate cannot be read: %s", err)
	}
	return certs, nil
}

// checkCovered demands that the signed manifest lists every file with its hash: a file it does not list is signed by nobody.
// Only the manifest itself, the signatures that are verified and their certificates need none.
func (c *csar) checkCovered(signatures []fileSignature) {
	speak := map[string]bool{c.manifest.name: true, c.pkg.Signature.Certificate: true}
	for _, s := range signatures {
		speak[s.signature], speak[s.certificate] = true, true
	}
	var names []string
	for _, f := range c.pkg.Files {
		if !speak[f.Path] && !c.inManifest[f.Path] {
			names = append(names, vnfd.Printable(f.Path))
		}
	}
	if len(names) > 0 {
		c.Failf("not-signed", vnfd.Position{File: c.manifest.name}, "the signed manifest has no hash of %s: %s", vnfd.Plural(len(names), "file"), vnfd.Join(names))
	}
}

// fileSignature is a signature of one file.
type fileSignature struct {
	file, signature, certificate string
	at                           vnfd.Position
}

// checkFileSignatures verifies the signatures of single files: those that the manifest names, and those beside the files.
func (c *csar) checkFileSignatures(all []fileSignature) error {
	if len(all) > c.limits.Signatures {
		return vnfd.Exceeded("signatures", "too-large", all[0].at, "the package has more than %d signatures", c.limits.Signatures)
	}
	for _, s := range all {
		if c.judge.off(s.at, vnfd.Quote(s.file)+" is") {
			continue
		}
		data, err := c.Content(s.signature, c.limits.SignatureBytes, "signature-bytes")
		if err != nil {
			return err
		}
		var beside []*x509.Certificate
		if s.certificate != "" {
			if beside, err = c.readCertificates(s.certificate); err != nil {
				return err
			}
		}
		if _, _, err := c.judge.check(s.at, vnfd.Quote(s.file), data, beside, c.inArchive(s.file)); err != nil {
			return err
		}
	}
	return nil
}

func (c *csar) fileSignatures() []fileSignature {
	var out []fileSignature
	taken := map[string]bool{}
	for _, l := range c.listed {
		if l.signature == "" {
			continue
		}
		s := fileSignature{at: l.at}
		ok := true
		for _, x := range []struct {
			ref string
			to  *string
		}{{l.path, &s.file}, {l.signature, &s.signature}, {l.certificate, &s.certificate}} {
			if x.ref == "" {
				continue
			}
			name, inside := c.InPackage(".", x.ref, l.at)
			if ok = ok && inside && c.Has(name); inside && !c.Has(name) {
				c.judge.wrongf("signature-not-verified", l.at, "%s, which the manifest names, is not in the package", vnfd.Quote(x.ref))
			}
			*x.to = name
		}
		if ok {
			taken[s.signature] = true
			out = append(out, s)
		}
	}
	for _, e := range c.entries {
		if ext := strings.ToLower(path.Ext(e.name)); taken[e.name] || !slices.Contains([]string{".cms", ".p7s", ".p7", ".sig"}, ext) {
			continue
		}
		at := vnfd.Position{File: e.name}
		stem := strings.TrimSuffix(strings.TrimSuffix(e.name, path.Ext(e.name)), ".sig")
		file := c.signedBeside(stem)
		if file == "" {
			c.judge.wrongf("signature-not-verified", at, "the signature is of no file beside it")
			continue
		}
		s := fileSignature{file: file, signature: e.name, at: at}
		for _, name := range []string{stem + ".cert", stem + ".crt", stem + ".pem"} {
			if c.Has(name) {
				s.certificate = name
				break
			}
		}
		out = append(out, s)
	}
	return out
}

// signedBeside finds the file that a signature of some name is of: the one of that name, or the only one with that name and an
// extension.
func (c *csar) signedBeside(stem string) string {
	if c.Has(stem) {
		return stem
	}
	if c.stems == nil {
		c.stems = map[string][]string{}
		for _, e := range c.entries {
			if !signatureFile(e.name) {
				s := strings.TrimSuffix(e.name, path.Ext(e.name))
				c.stems[s] = append(c.stems[s], e.name)
			}
		}
	}
	if names := c.stems[stem]; len(names) == 1 {
		return names[0]
	}
	return ""
}

func inMemory(data []byte) content {
	return content{
		sum:   func(h hash.Hash) error { _, _ = h.Write(data); return nil }, // never fails
		bytes: func() ([]byte, error) { return data, nil },
	}
}

func (c *csar) inArchive(name string) content {
	return content{
		sum:   func(h hash.Hash) error { return c.sumAgain(name, h) },
		bytes: func() ([]byte, error) { return c.Content(name, c.limits.DefinitionBytes, "definition-bytes") },
	}
}

// section is content between two places of a reader.
func section(r *io.SectionReader, limits vnfd.Limits, stop func() error) content {
	return content{
		sum: func(h hash.Hash) error {
			buf := make([]byte, 64<<10)
			for at := int64(0); ; {
				n, err := r.ReadAt(buf, at)
				_, _ = h.Write(buf[:n]) // never fails
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err != nil {
					return err //nolint:wrapcheck // the store's
				}
				if stop != nil {
					if err := stop(); err != nil {
						return err
					}
				}
				at += int64(n)
			}
		},
		bytes: func() ([]byte, error) {
			if r.Size() > limits.DefinitionBytes {
				return nil, unverifiable("it has no signed attributes, and the content is larger than %d bytes, the limit package-max-definition-bytes", limits.DefinitionBytes)
			}
			return io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
		},
	}
}
