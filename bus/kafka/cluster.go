// Package kafka is the bus of many processes: a relay sends committed messages to Apache Kafka, in order per lane, and a bus hands
// them to the consumers of the lanes that this process owns.
//
// A topic has a partition for each lane. Who reads a partition is who owns the lane, so there is no consumer group to rebalance. A
// consumer's position is the offset in the outbox, kept in the store of its effects; what comes again comes at new offsets of
// Kafka, and is dropped because its outbox offset is behind. Beside the position stands a mark: where to read on, in which topic,
// of whose outbox. It must not know what messages mean. The suite is bus/bustest.
package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Cluster is a Kafka cluster, and what of it is ours.
type Cluster struct {
	Brokers []string    // host:port
	TLS     *tls.Config // nil: not encrypted
	Login   Login
	// Prefix begins the names of all topics and groups: so several sites share a cluster.
	Prefix string
	// Names gives topics other names, before the prefix: one outbox writes a topic.
	Names map[string]string
	// Create: topics that are not there are made, with Replicas replicas (0: as the cluster has it).
	Create   bool
	Replicas int
	// Compression of what is sent: none, gzip, snappy, lz4 or zstd; "" means lz4.
	Compression string
	// MaxBytes bounds a record; the data of a larger one stays in the outbox, and the record names it. 0 means 900,000.
	MaxBytes int
	ClientID string
	Logger   *slog.Logger // nil: slog.Default
}

// Login is who we are to the cluster. The zero value is nobody in particular.
type Login struct {
	Mechanism      Mechanism
	User, Password string
	// TokenURL is where OAUTHBEARER gets its tokens, for User and Password as client id and secret; Scopes are asked for.
	TokenURL string
	Scopes   []string
	HTTP     *http.Client // reaches TokenURL; nil: http.DefaultClient
}

// Mechanism is how a client proves who it is.
type Mechanism string

// The mechanisms, as SASL names them.
const (
	NoLogin     Mechanism = ""
	Plain       Mechanism = "PLAIN"
	ScramSHA256 Mechanism = "SCRAM-SHA-256"
	ScramSHA512 Mechanism = "SCRAM-SHA-512"
	OAuthBearer Mechanism = "OAUTHBEARER"
)

const defaultMaxBytes = 900_000

func (c *Cluster) maxBytes() int {
	if c.MaxBytes <= 0 {
		return defaultMaxBytes
	}
	return c.MaxBytes
}

func (c *Cluster) log() *slog.Logger {
	if c.Logger == nil {
		return slog.Default()
	}
	return c.Logger
}

// name is what a topic is called in the cluster.
func (c *Cluster) name(topic string) string {
	if other := c.Names[topic]; other != "" {
		topic = other
	}
	return c.Prefix + topic
}

// metadataAge is how old what a client knows of the cluster may be when something changes.
const metadataAge = 100 * time.Millisecond

// client returns a client. It connects when it is used, and as often as it must.
func (c *Cluster) client(opts ...kgo.Opt) (*kgo.Client, error) {
	opts = append(opts, kgo.SeedBrokers(c.Brokers...), kgo.ClientID(c.ClientID), kgo.MetadataMinAge(metadataAge),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if c.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(c.TLS))
	}
	login, err := c.Login.mechanism()
	if err != nil {
		return nil, err
	}
	if login != nil {
		opts = append(opts, kgo.SASL(login))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return cl, nil
}

func (l *Login) mechanism() (sasl.Mechanism, error) {
	switch l.Mechanism {
	case NoLogin:
		return nil, nil //nolint:nilnil // none is wanted
	case Plain:
		return plain.Auth{User: l.User, Pass: l.Password}.AsMechanism(), nil
	case ScramSHA256:
		return scram.Auth{User: l.User, Pass: l.Password}.AsSha256Mechanism(), nil
	case ScramSHA512:
		return scram.Auth{User: l.User, Pass: l.Password}.AsSha512Mechanism(), nil
	case OAuthBearer:
		cfg := clientcredentials.Config{ClientID: l.User, ClientSecret: l.Password, TokenURL: l.TokenURL, Scopes: l.Scopes}
		ctx := context.Background()
		if l.HTTP != nil {
			ctx = context.WithValue(ctx, oauth2.HTTPClient, l.HTTP)
		}
		tokens := cfg.TokenSource(ctx) // keeps one until it runs out
		return oauth.Oauth(func(context.Context) (oauth.Auth, error) {
			t, err := tokens.Token()
			if err != nil {
				return oauth.Auth{}, fmt.Errorf("token for the Kafka cluster: %w", err)
			}
			return oauth.Auth{Token: t.AccessToken}, nil
		}), nil
	}
	return nil, fmt.Errorf("unknown SASL mechanism %q", l.Mechanism)
}

// codec is the compression that is asked for first; a broker that has not got it is sent none.
func (c *Cluster) codec() []kgo.CompressionCodec {
	codec, ok := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "zstd": kgo.ZstdCompression(),
	}[c.Compression]
	if !ok {
		codec = kgo.Lz4Compression()
	}
	return []kgo.CompressionCodec{codec, kgo.NoCompression()}
}
