package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

// maxNotification bounds what the receiver takes, in bytes.
const maxNotification = 16 << 20

type notificationReceive struct {
	Listen string `default:"127.0.0.1:9999" help:"Address and port to listen on."`
}

// Run answers GET with 204, prints the body of each POST and answers 204, until it is interrupted.
func (c *notificationReceive) Run(s *session) error {
	lc := net.ListenConfig{}
	l, err := lc.Listen(s.ctx, "tcp", c.Listen)
	if err != nil {
		return usagef("%v", err)
	}
	_, _ = fmt.Fprintf(s.Err, "waiting for notifications at http://%s/\n", l.Addr())
	srv := &http.Server{Handler: receiver(s), ReadTimeout: 10 * time.Second}
	stop := context.AfterFunc(s.ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err //nolint:wrapcheck // says what it is
	}
	return nil
}

func receiver(s *session) http.Handler {
	var one sync.Mutex // notifications of several VNFs come at once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotification))
			var n sol.VnfLcmOperationOccurrenceNotification
			if err != nil || json.Unmarshal(body, &n) != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			one.Lock()
			defer one.Unlock()
			err = s.show(json.RawMessage(body), func(w io.Writer) {
				what := subject(string(n.NotificationType), n.OperationState)
				if n.Operation != "" {
					what = n.Operation + " " + what
				}
				_, _ = fmt.Fprintf(w, "%s  VNF %s  %s", screen.Of(w).Stamp(n.TimeStamp), n.VnfInstanceId, what)
				if n.Error != nil {
					_, _ = fmt.Fprintf(w, ": %s", n.Error.Detail)
				}
				_, _ = fmt.Fprintln(w)
			})
			if err != nil {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
