package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/notify"
)

// buildNotifications makes what tells subscribers.
func (s *Server) buildNotifications(p *parts) error {
	client, err := s.egress(s.cfg.Egress.Timeout, 0)
	if err != nil {
		return err
	}
	p.closers = append(p.closers, func() error { client.Close(); return nil })
	c, d := s.cfg.Notification, p.main
	p.deliveries = newDeliveries(s.cfg.HTTP.ReadyTimeout, s.log)
	p.notify, err = notify.New(notify.Config{
		Store: d.Store, Doer: d.Doer, Epochs: d.Leases.Role(lease.RoleNotifier), Keys: s.keys, Logger: s.log,
		Sender: notify.HTTP{Client: client, Versions: vnflcm.Versions()}, Body: vnflcm.NotificationOf(strings.TrimSuffix(s.cfg.BaseURL, "/")),
		SkipTest: !c.Test, Duplicates: c.Duplicates, MaxAge: c.MaxAge, Keep: c.Keep, Backoff: c.Backoff, MaxBackoff: c.MaxBackoff,
		PerSubscription: c.PerSubscription, Observe: func(outcome string) { p.deliveries.attempts.WithLabelValues(outcome).Inc() },
	})
	if err != nil {
		return err
	}
	return nil
}

// watchNotifications shows what becomes of notifications.
func (s *Server) watchNotifications(p *parts) error {
	p.deliveries.backlog, p.deliveries.stopped = p.notify.Backlog, func() int { return len(p.node.Notices.Stopped()) }
	if err := s.reg.Register(p.deliveries); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// egress makes a client for addresses that callers name, with so much time for one request, and room for so large an answer (0: a small
// one).
func (s *Server) egress(timeout time.Duration, room int64) (*egress.Client, error) {
	cfg, err := s.egressConfig(timeout, room)
	if err != nil {
		return nil, err
	}
	return egress.New(cfg), nil
}

// egressConfig is what the settings say of such a client.
func (s *Server) egressConfig(timeout time.Duration, room int64) (egress.Config, error) {
	c := s.cfg.Egress
	dev := s.opts.Guide != nil
	cfg := egress.Config{Timeout: timeout, MaxBody: room, AllowLocal: c.AllowLocal || dev, AllowPlain: c.AllowPlain || dev, Ports: c.Ports}
	var err error
	if cfg.Deny, err = c.Networks(); err != nil {
		return cfg, err
	}
	if c.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return cfg, fmt.Errorf("egress-cert-file: %w", err)
		}
		cfg.ClientCert = &cert
	}
	if cfg.RootCAs, err = authorities(c.CAFile, "egress-ca-file"); err != nil {
		return cfg, err
	}
	return cfg, nil
}

// authorities reads the file that a setting names; nil when it names none.
func authorities(file, setting string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // those of the system
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: %s holds no certificate", setting, file)
	}
	return pool, nil
}

// deliveries are the metrics of notifications.
type deliveries struct {
	timeout  time.Duration
	log      *slog.Logger
	attempts *prometheus.CounterVec
	backlog  func(ctx context.Context) (waiting int, oldest time.Time, err error)
	stopped  func() int
}

//nolint:gochecknoglobals // descriptions of metrics do not change
var (
	waitingDesc = prometheus.NewDesc("vnfm_notify_waiting", "Notifications that wait for their subscriber, in the lanes of this node.", nil, nil)
	sinceDesc   = prometheus.NewDesc("vnfm_notify_oldest_timestamp_seconds", "When the oldest of them was made, as Unix time; 0: none waits.", nil, nil)
	stoppedDesc = prometheus.NewDesc("vnfm_notify_stopped_lanes", "Lanes that stand before an event that no notification can be made of.", nil, nil)
)

func newDeliveries(timeout time.Duration, log *slog.Logger) *deliveries {
	m := &deliveries{timeout: timeout, log: log, attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "vnfm_notify_attempts_total", Help: "What became of notifications: delivered, failed (tried again), given-up.",
	}, []string{"outcome"})}
	for _, outcome := range []string{"delivered", "failed", "given-up"} {
		m.attempts.WithLabelValues(outcome)
	}
	return m
}

var _ prometheus.Collector = (*deliveries)(nil)

// Describe sends the descriptions of all metrics.
func (m *deliveries) Describe(out chan<- *prometheus.Desc) {
	m.attempts.Describe(out)
	out <- waitingDesc
	out <- sinceDesc
	out <- stoppedDesc
}

// Collect reads and sends all metrics; a database that does not answer costs the scrape its figures, nothing else.
func (m *deliveries) Collect(out chan<- prometheus.Metric) {
	m.attempts.Collect(out)
	out <- prometheus.MustNewConstMetric(stoppedDesc, prometheus.GaugeValue, float64(m.stopped()))
	ctx, cancel := context.WithTimeout(context.Background(), m.timeout)
	defer cancel()
	n, oldest, err := m.backlog(ctx)
	if err != nil {
		m.log.WarnContext(ctx, "metrics of notifications not read", "error", err)
		return
	}
	since := 0.0
	if !oldest.IsZero() {
		since = float64(oldest.UnixMilli()) / 1000
	}
	out <- prometheus.MustNewConstMetric(waitingDesc, prometheus.GaugeValue, float64(n))
	out <- prometheus.MustNewConstMetric(sinceDesc, prometheus.GaugeValue, since)
}
