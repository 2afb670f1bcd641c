package config

import (
	"net"
	"net/url"
	"regexp"
	"strings"
)

// Kafka says how the Kafka of setting bus is used.
type Kafka struct {
	Prefix       string   `help:"Begins the names of all topics and consumer groups, so that several sites share a Kafka cluster, e.g. site1."`
	Topics       string   `default:"create" enum:"create,check" help:"What is done about topics that are not there (${enum}): create them, with 64 partitions each, or say which are missing and wait."`
	Replicas     int      `help:"Replicas of topics that are created; 0: as many as the Kafka cluster has by default."`
	Compression  string   `default:"lz4" enum:"none,gzip,snappy,lz4,zstd" help:"How records are compressed (${enum})."`
	MaxBytes     int      `default:"900000" help:"Largest record in bytes; the data of a larger one stays in the outbox, and the record says where. Kafka's brokers take 1048588 unless they are told otherwise."`
	Backlog      int      `default:"100000" help:"Messages that may wait for Kafka, of all VNFs; with more, requests that begin an operation are answered 503 with Retry-After."`
	TLS          bool     `help:"Encrypt connections to Kafka. Implied by bus-ca-file and bus-cert-file."`
	CAFile       string   `help:"Authorities (PEM) that the brokers' certificates are checked against; empty: those of the system." placeholder:"FILE"`
	CertFile     string   `help:"Client certificate (PEM) shown to the brokers." placeholder:"FILE"`
	KeyFile      string   `help:"Key (PEM) of the client certificate." placeholder:"FILE"`
	Sasl         string   `default:"none" enum:"none,PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER" help:"How the program proves to the brokers who it is (${enum})."`
	User         string   `help:"User name at the brokers; with OAUTHBEARER the client id."`
	Password     string   `help:"Password at the brokers; with OAUTHBEARER the client secret." secret:"" placeholder:"PASSWORD"`
	PasswordFile string   `help:"File with the bus-password in its first line, instead of it." placeholder:"FILE"`
	TokenURL     string   `help:"Token endpoint for OAUTHBEARER: tokens by OAuth 2.0 client credentials." placeholder:"URL"`
	Scopes       []string `help:"OAuth 2.0 scopes asked for."`
}

// publishName is what PostgreSQL takes as the name of a replication slot, and needs no quotes.
var publishName = regexp.MustCompile("^[a-z][a-z0-9_]{0,49}$")

const busScheme = "kafka://"

// Brokers returns the Kafka brokers of setting bus; none: the embedded bus.
func (c *Config) Brokers() []string {
	list, ok := strings.CutPrefix(c.Bus, busScheme)
	if !ok || list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// validateBus says what does not fit together about the bus.
func (c *Config) validateBus(bad func(format string, args ...any)) {
	k := &c.Kafka
	if c.Bus != "" && c.Bus != "embedded" && len(c.Brokers()) == 0 {
		bad("bus: want embedded, or brokers of Kafka: kafka://HOST:PORT,HOST:PORT")
	}
	for _, b := range c.Brokers() {
		if host, port, err := net.SplitHostPort(b); err != nil || host == "" || port == "" || strings.ContainsAny(host, "/@?") {
			bad("bus: %q is not the host and port of a broker, e.g. kafka://10.0.0.1:9092,10.0.0.2:9092", b)
		}
	}
	if (k.CertFile == "") != (k.KeyFile == "") {
		bad("bus-cert-file and bus-key-file: set both, or none")
	}
	if k.Password != "" && k.PasswordFile != "" {
		bad("bus-password and bus-password-file: set one of them")
	}
	if k.Sasl != "none" && k.Sasl != "" && (k.User == "" || k.Password == "" && k.PasswordFile == "") {
		bad("bus-sasl: %s needs bus-user, and bus-password or bus-password-file", k.Sasl)
	}
	if (k.Sasl == "OAUTHBEARER") != (k.TokenURL != "") {
		bad("bus-token-url: OAUTHBEARER needs it, and nothing else does")
	}
	if u, err := url.Parse(k.TokenURL); k.TokenURL != "" && (err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http") || u.User != nil) {
		bad("bus-token-url: %q is not an http or https URL without user name and password", k.TokenURL)
	}
	if k.Replicas < 0 || k.Replicas > 100 {
		bad("bus-replicas: %d is not between 0 and 100", k.Replicas)
	}
	if k.MaxBytes < 65536 || k.MaxBytes > 100_000_000 {
		bad("bus-max-bytes: %d is not between 65536 and 100000000", k.MaxBytes)
	}
	if c.Publish == "cdc" && (len(c.Brokers()) == 0 || c.Database == "") {
		bad("publish: cdc needs bus=kafka://… and a PostgreSQL database")
	}
	if !publishName.MatchString(c.PublishName) {
		bad("publish-name: %q is not 1 to 50 small letters, digits and _, of which the first is a letter", c.PublishName)
	}
	if k.Backlog < 1 {
		bad("bus-backlog: %d is less than 1", k.Backlog)
	}
}
