package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	sub     = "3dd7c0de-0000-4000-8000-000000000004"
	results = "4ee7c0de-0000-4000-8000-000000000005"
	lost    = sub + "." + vnf + ".000000000007"
	waits   = sub + "." + vnf + ".000000000012"
)

// What the commands about subscriptions and notifications send. Passwords come from a file too, and are never printed.
func TestWhatSubscriptionCommandsSend(t *testing.T) {
	const root, again = "/vnflcm/v2/subscriptions", "/vnfm/v1/notifications/"
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("c4nary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args, answer string
		want         []string
	}{
		{"subscription create https://me/in", `{"id":"s"}`, []string{"POST " + root + ` {"callbackUri":"https://me/in"}`}},
		{"subscription create https://me/in --state COMPLETED --operation HEAL --short", `{"id":"s"}`, []string{"POST " + root +
			` {"filter":{"notificationTypes":["VnfLcmOperationOccurrenceNotification"],"operationTypes":["HEAL"],"operationStates":["COMPLETED"]},"callbackUri":"https://me/in","verbosity":"SHORT"}`}},
		{"subscription create https://me/in --vnf fw1 --vnfd d1 --type VnfIdentifierCreationNotification", `{"id":"s"}`, []string{"POST " + root +
			` {"filter":{"vnfInstanceSubscriptionFilter":{"vnfdIds":["d1"],"vnfInstanceIds":["` + vnf + `"]},"notificationTypes":["VnfIdentifierCreationNotification"]},"callbackUri":"https://me/in"}`}},
		{"subscription create https://me/in --user u --password @" + file + " --tls-cert", `{"id":"s"}`, []string{"POST " + root +
			` {"callbackUri":"https://me/in","authentication":{"authType":["BASIC","TLS_CERT"],"paramsBasic":{"userName":"u","password":"c4nary"}}}`}},
		{"subscription create https://me/in --callback-token-url https://t --callback-client-id i --callback-client-secret @" + file, `{"id":"s"}`, []string{"POST " + root +
			` {"callbackUri":"https://me/in","authentication":{"authType":["OAUTH2_CLIENT_CREDENTIALS"],"paramsOauth2ClientCredentials":{"clientId":"i","clientPassword":"c4nary","tokenEndpoint":"https://t"}}}`}},
		{"subscription delete " + sub, "", []string{"DELETE " + root + "/" + sub}},
		{"subscription delete https://nfvo.example/results", "", []string{"DELETE " + root + "/" + results}},
		{"notification retry " + lost, `{"id":"` + lost + `"}`, []string{"POST " + again + lost + "/retry"}},
		{"notification retry --subscription " + sub, `{}`, []string{"POST " + again + lost + "/retry", "POST " + again + waits + "/retry"}}, // the fake lists both as given up
	} {
		t.Run(c.args, func(t *testing.T) {
			f := newFake(t)
			for _, want := range c.want {
				method, rest, _ := strings.Cut(want, " ")
				path, _, _ := strings.Cut(rest, " ")
				f.queue[method+" "+path] = []string{c.answer}
				if f.codes[method+" "+path] = http.StatusOK; c.answer == "" {
					f.codes[method+" "+path] = http.StatusNoContent
				}
			}
			code, out, errs := f.vnfm("", strings.Fields(c.args)...)
			if code != exitOK || !slices.Equal(f.sent, c.want) || strings.Contains(out+errs, "c4nary") {
				t.Errorf("exit %d, sent %q, want %q\n%s%s", code, f.sent, c.want, out, errs)
			}
			if slices.Contains(f.keys, "") {
				t.Error("no Idempotency-Key")
			}
		})
	}
}

// The receiver as it is run: it says where it listens, answers the test of a callback, prints what comes, and ends when it
// is interrupted.
func TestReceiveUntilInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	errs, said := io.Pipe()
	var out bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"notification", "receive", "--listen", "127.0.0.1:0"}, strings.NewReader(""), &out, said)
		_ = said.Close()
	}()
	line, err := bufio.NewReader(errs).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	uri := strings.TrimSpace(strings.TrimPrefix(line, "waiting for notifications at "))
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		req, err := http.NewRequestWithContext(ctx, method, uri, strings.NewReader(`{"notificationType":"VnfIdentifierDeletionNotification","vnfInstanceId":"v1"}`))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusNoContent {
			t.Errorf("%s answers %d", method, res.StatusCode)
		}
	}
	interrupt()
	select {
	case code := <-ended:
		if code != exitOK || !strings.HasSuffix(strings.TrimSpace(out.String()), "VNF v1  deleted") {
			t.Errorf("exit %d, printed %q", code, out.String())
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on after an interrupt")
	}
}
