package telemetry

import (
	"crypto/x509"
	"encoding/pem"
	"os"

	"github.com/prometheus/client_golang/prometheus"
)

// Certificates tells until when the certificates in files are valid: what a server shows, and what it shows as a client. The files are read
// with each scrape, as they change while the program runs.
type Certificates struct {
	files func() map[string]string
}

//nolint:gochecknoglobals // descriptions of metrics do not change
var notAfterDesc = prometheus.NewDesc("vnfm_certificate_not_after_timestamp_seconds",
	"When the first of the certificates in a file ends to be valid, in Unix time, by what the file is for: server, egress, nfvo, bus; 0: the file cannot be read.", []string{"use"}, nil)

// NewCertificates returns the collector of files, which returns their names by use; "" is none.
func NewCertificates(files func() map[string]string) *Certificates { return &Certificates{files} }

// Describe sends the description.
func (c *Certificates) Describe(out chan<- *prometheus.Desc) { out <- notAfterDesc }

// Collect reads the files.
func (c *Certificates) Collect(out chan<- prometheus.Metric) {
	for use, name := range c.files() {
		if name != "" {
			gauge(out, notAfterDesc, notAfter(name), use)
		}
	}
}

// notAfter returns when the first certificate in a file ends, 0 when there is none that can be read.
func notAfter(name string) float64 {
	b, err := os.ReadFile(name)
	if err != nil {
		return 0
	}
	var first float64
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			return first
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return 0
		}
		if at := float64(c.NotAfter.Unix()); first == 0 || at < first {
			first = at
		}
	}
}
