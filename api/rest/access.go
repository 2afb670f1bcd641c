package rest

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"
)

// accessLine is what the log of requests tells of one, beside what the request itself says.
type accessLine struct {
	caller, role, request, id string
}

type accessKey struct{}

// answered is where an answer goes, of which the status is kept.
type answered struct {
	http.ResponseWriter
	status int
}

// WriteHeader keeps the status.
func (w *answered) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController find what it needs.
func (w *answered) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// logged has a request logged when done is called: one line, with the route and not the path, which may hold what a client made up, and
// without the query.
func (a *Server) logged(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request, func()) {
	begun, line, out := time.Now(), &accessLine{}, &answered{ResponseWriter: w}
	r = r.WithContext(context.WithValue(r.Context(), accessKey{}, line))
	return out, r, func() {
		level := slog.LevelInfo
		if exempt(r.URL.Path) { // asked again and again
			level = slog.LevelDebug
		}
		status := out.status
		if status == 0 {
			status = http.StatusOK // nothing was written, which is 200 to a client
		}
		route := r.Pattern
		if route == "" || route == "/" {
			route = "none"
		}
		args := []any{"method", r.Method, "route", route, "status", status, "took", time.Since(begun).Round(time.Microsecond), "request_id", line.request}
		if line.caller != "" {
			args = append(args, "caller", line.caller, "role", line.role)
		}
		args = append(args, "address", r.RemoteAddr)
		a.Log.Log(context.WithoutCancel(r.Context()), level, "request", append(args, aboutOf(route, line.id, out.Header().Get("Location"))...)...)
	}
}

// aboutOf names what a request was about, and what it made: the VNF and the operation by the names that all lines of the log have.
func aboutOf(route, id, location string) []any {
	var args []any
	switch {
	case id == "":
	case strings.Contains(route, "/vnf_instances/{id}"):
		args = append(args, "vnf_id", id)
	case strings.Contains(route, "/vnf_lcm_op_occs/{id}"), strings.Contains(route, "/sagas/{id}"):
		args = append(args, "opocc_id", id)
	default:
		args = append(args, "id", id)
	}
	switch made := path.Base(location); {
	case location == "" || made == id:
	case strings.HasSuffix(path.Dir(location), "/vnf_instances"):
		args = append(args, "vnf_id", made)
	case strings.HasSuffix(path.Dir(location), "/vnf_lcm_op_occs"), strings.HasSuffix(path.Dir(location), "/sagas"):
		args = append(args, "opocc_id", made)
	default:
		args = append(args, "made_id", made)
	}
	return args
}

// noted tells the log of requests who called, and for what.
func (c *Call) noted() {
	line, ok := c.Ctx.Value(accessKey{}).(*accessLine)
	if !ok {
		return
	}
	line.caller, line.role, line.request, line.id = c.who.Name, c.who.Role(), c.By.ID, c.Request.PathValue("id")
}
