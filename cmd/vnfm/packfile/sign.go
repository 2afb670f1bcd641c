package packfile

import (
	"archive/zip"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/smallstep/pkcs7"
)

// Sign makes a signed package of one: its manifest, which has the hashes of all files, gets a detached CMS signature at its end (SOL004 §5.2,
// option 1), with the certificates in it. A signature that is there is replaced.
func Sign(source, target, cert, key string) (*Report, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("certificate and key: %w", err)
	}
	z, err := zip.OpenReader(source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	defer func() { _ = z.Close() }()
	files := map[string][]byte{}
	manifest := ""
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", source, f.Name, err)
		}
		data, err := io.ReadAll(r)
		_ = r.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", source, f.Name, err)
		}
		files[f.Name] = data
		if path.Ext(f.Name) == ".mf" && path.Dir(f.Name) == "." {
			manifest = f.Name
		}
	}
	if manifest == "" {
		return nil, errors.New(source + ": there is no manifest (.mf) to be signed; vnfm package pack makes one")
	}
	text := files[manifest]
	delete(files, manifest)
	if i := bytes.Index(text, []byte("-----BEGIN ")); i >= 0 {
		text = text[:i]
	}
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, '\n')
	}
	block, err := signature(text, &pair)
	if err != nil {
		return nil, err
	}
	return keep(target, archive(files, manifest, append(text, block...)))
}

// signature is a detached CMS signature (RFC 5652) of a text, as manifests have it.
func signature(text []byte, pair *tls.Certificate) ([]byte, error) {
	s, err := pkcs7.NewSignedData(text)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	s.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	var chain []*x509.Certificate
	for _, raw := range pair.Certificate {
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		chain = append(chain, c)
	}
	if err := s.AddSignerChain(chain[0], pair.PrivateKey, chain[1:], pkcs7.SignerInfoConfig{}); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	s.Detach()
	der, err := s.Finish()
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	var out bytes.Buffer
	out.WriteString("-----BEGIN CMS-----\n")
	code := base64.StdEncoding.EncodeToString(der)
	for len(code) > 0 {
		n := min(64, len(code))
		out.WriteString(code[:n] + "\n")
		code = code[n:]
	}
	out.WriteString("-----END CMS-----\n")
	return out.Bytes(), nil
}
