package vim_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/vim"
)

// An answer of exactly the limit is one, a longer one is none, be it by a byte or without end; a watch has no length; a web page is no answer.
func TestAnswers(t *testing.T) {
	const most = 1000
	for name, c := range map[string]struct {
		method      string
		query, kind string
		code, n     int
		want        error
	}{
		"whole":              {n: most},
		"empty":              {},
		"a byte too long":    {n: most + 1, want: vim.ErrLongAnswer},
		"much too long":      {n: 100 * most, want: vim.ErrLongAnswer},
		"too long a refusal": {n: most + 1, code: http.StatusBadRequest, want: vim.ErrLongAnswer},
		"a watch":            {query: "?watch=true", n: 100 * most},
		"a page":             {kind: "text/html; charset=utf-8", n: 10, want: vim.ErrNoAPI},
		"a proxy's refusal":  {kind: "text/html", code: http.StatusBadGateway, n: 10},
		"done, no page":      {method: http.MethodDelete, kind: "text/html; charset=UTF-8", code: http.StatusAccepted},
		"done, 204":          {method: http.MethodDelete, kind: "text/html; charset=UTF-8", code: http.StatusNoContent},
		"a choice":           {kind: "text/html", code: http.StatusMultipleChoices, n: 10}, // as a redirection, with a page for people
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				if c.code != 0 {
					w.WriteHeader(c.code)
				}
				_, _ = io.WriteString(w, strings.Repeat("x", c.n))
			}))
			defer s.Close()
			client := http.Client{Transport: vim.Answers{Next: http.DefaultTransport, Max: most}}
			req, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+c.query, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			var got []byte
			if err == nil {
				got, err = io.ReadAll(resp.Body)
				_ = resp.Body.Close()
			}
			if !errors.Is(err, c.want) || c.want == nil && len(got) != c.n || len(got) > max(most, c.n) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}
