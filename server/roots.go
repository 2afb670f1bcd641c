package server

import (
	"crypto/x509"
	"fmt"
	"os"
)

// signatureRoots reads the authorities that signatures of packages must lead to; nil when there is no file.
func signatureRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // none is trusted
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("package-signature-roots: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("package-signature-roots: %s holds no certificate in PEM", file)
	}
	return pool, nil
}
