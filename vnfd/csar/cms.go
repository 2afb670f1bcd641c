package csar

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/smallstep/pkcs7"
)

// maxCertificates bounds the certificates of one signature, and maxKeyBits its keys: checking a signature costs the cube.
const (
	maxCertificates = 32
	maxKeyBits      = 16_384
)

// The ways in which a signature fails.
var (
	// errChanged: what is signed is not what is there.
	errChanged = errors.New("it is of something else: the content was changed after it was signed")
	// errUnverifiable: nobody can tell.
	errUnverifiable = errors.New("it cannot be verified")
)

func unverifiable(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errUnverifiable, fmt.Sprintf(format, args...))
}

// content is what a signature is of.
type content struct {
	// sum writes all of it into a hash. Its error is of the store, or of the archive.
	sum func(h hash.Hash) error
	// bytes returns it whole, for a signature of the content itself and not of attributes; an error when it is too large.
	bytes func() ([]byte, error)
}

// signer is who made a signature.
type signer struct {
	certificate *x509.Certificate
	chain       []*x509.Certificate // all that came with it
}

// verify checks a detached CMS signature (RFC 5652), in DER or PEM, and returns who made it. Certificates may come beside it.
// Its error is errChanged, errUnverifiable, or one of the content.
func verify(data []byte, beside []*x509.Certificate, of content) ([]signer, error) {
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	p, err := pkcs7.Parse(data)
	if err != nil {
		return nil, unverifiable("it is no CMS signature: %s", err)
	}
	p.Certificates = append(p.Certificates, beside...)
	switch {
	case len(p.Signers) == 0:
		return nil, unverifiable("it is signed by nobody")
	case len(p.Signers) > maxCertificates || len(p.Certificates) > maxCertificates:
		return nil, unverifiable("it has more than %d signers or certificates", maxCertificates)
	}
	var signers []signer
	for _, s := range p.Signers {
		cert := certificateOf(p.Certificates, s.IssuerAndSerialNumber.IssuerName.FullBytes, s.IssuerAndSerialNumber.SerialNumber.Bytes())
		if cert == nil {
			return nil, unverifiable("the signer's certificate is neither in it nor beside it")
		}
		if bits := keyBits(cert.PublicKey); bits > maxKeyBits {
			return nil, unverifiable("its key has %d bits, more than %d", bits, maxKeyBits)
		}
		signers = append(signers, signer{certificate: cert, chain: p.Certificates})
	}
	attributes := true
	for _, s := range p.Signers {
		attributes = attributes && len(s.AuthenticatedAttributes) > 0
	}
	reading := &hasher{of: of}
	p.Content, p.Hasher = nil, reading
	if !attributes {
		if p.Content, err = of.bytes(); err != nil {
			return nil, err
		}
	}
	err = p.Verify()
	var late *pkcs7.SigningTimeNotValidError
	var weak x509.InsecureAlgorithmError
	switch {
	case reading.err != nil:
		return nil, reading.err
	case err == nil:
	case errors.As(err, &late):
		return nil, unverifiable("it was made at %s, when its certificate was not valid", late.SigningTime.Format(time.RFC3339))
	case errors.As(err, &weak), errors.Is(err, x509.ErrUnsupportedAlgorithm), strings.HasPrefix(err.Error(), "pkcs7: unsupported"),
		errors.Is(err, pkcs7.ErrUnsupportedAlgorithm), strings.HasPrefix(err.Error(), "pkcs7: attribute"):
		return nil, unverifiable("%s", err)
	default:
		return nil, errChanged
	}
	return signers, nil
}

// hasher gives the library the hash of content it never holds.
type hasher struct {
	of  content
	err error
}

// Hash implements pkcs7.Hasher.
func (h *hasher) Hash(algorithm crypto.Hash, _ io.Reader) ([]byte, error) {
	if !algorithm.Available() || algorithm == crypto.SHA1 || algorithm == crypto.MD5 {
		h.err = unverifiable("its digest is %s", algorithm)
		return nil, h.err
	}
	sum := algorithm.New()
	if err := h.of.sum(sum); err != nil {
		h.err = err
		return nil, err
	}
	return sum.Sum(nil), nil
}

func certificateOf(certs []*x509.Certificate, issuer, serial []byte) *x509.Certificate {
	for _, c := range certs {
		if bytes.Equal(c.RawIssuer, issuer) && bytes.Equal(c.SerialNumber.Bytes(), serial) {
			return c
		}
	}
	return nil
}

func keyBits(key any) int {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen()
	case *ecdsa.PublicKey:
		return k.Params().BitSize
	}
	return 0
}

// certificates reads a file of certificates, in PEM or DER. Other blocks are skipped.
func certificates(data []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	rest := data
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse certificate: %w", err)
		}
		if out = append(out, c); len(out) > maxCertificates {
			return nil, fmt.Errorf("more than %d certificates", maxCertificates)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	out, err := x509.ParseCertificates(data)
	if err != nil || len(out) > maxCertificates {
		return nil, errors.New("it holds no certificate")
	}
	return out, nil
}

// trust says whether a signer's certificate leads to one of the roots, and was valid at a time.
func (s signer) trust(roots *x509.CertPool, at time.Time) error {
	intermediates := x509.NewCertPool()
	for _, c := range s.chain {
		if keyBits(c.PublicKey) <= maxKeyBits {
			intermediates.AddCert(c)
		}
	}
	if roots == nil {
		roots = x509.NewCertPool()
	}
	_, err := s.certificate.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return fmt.Errorf("verify the certificate: %w", err)
	}
	return nil
}

// describe returns what is kept of a signer.
func (s signer) describe(option string) *Signature {
	sum := sha256.Sum256(s.certificate.Raw)
	return &Signature{
		Option: option, Subject: s.certificate.Subject.String(), Issuer: s.certificate.Issuer.String(),
		Serial: fmt.Sprintf("%x", s.certificate.SerialNumber), Fingerprint: hex.EncodeToString(sum[:]), NotAfter: s.certificate.NotAfter.UTC(),
	}
}
