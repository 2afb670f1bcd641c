package managementtest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/sol"
)

// coordinate begins a coordination: each request one, as SOL002 has it.
func (v *VNF) coordinate(w http.ResponseWriter, r *http.Request, body []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := &coordination{polls: v.behaviour.Polls, result: cmp.Or(v.behaviour.Result, "CONTINUE")}
	if json.Unmarshal(body, &c.request) != nil || c.request.CoordinationActionName == "" || c.request.VnfInstanceId == "" || c.request.VnfLcmOpOccId == "" {
		refuse(w, http.StatusBadRequest, "the request is none", 0)
		return
	}
	id := uuid.NewString()
	v.coordinations[id] = c
	w.Header().Set("Location", at(r, id))
	if c.polls == 0 {
		answer(w, http.StatusCreated, v.outcome(id, c, r))
		return
	}
	v.goesOn(w)
}

func at(r *http.Request, id string) string {
	return "http://" + r.Host + "/lcmcoord/v1/coordinations/" + id
}

func (v *VNF) look(w http.ResponseWriter, r *http.Request, _ []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.coordinations[r.PathValue("id")]
	switch {
	case c == nil:
		refuse(w, http.StatusNotFound, "there is no such coordination", 0)
	case c.polls > 0:
		c.polls--
		w.Header().Set("Location", at(r, r.PathValue("id")))
		v.goesOn(w)
	default:
		answer(w, http.StatusOK, v.outcome(r.PathValue("id"), c, r))
	}
}

// cancel lets a coordination that goes on end CANCELLED.
func (v *VNF) cancel(w http.ResponseWriter, r *http.Request, _ []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.coordinations[r.PathValue("id")]
	switch {
	case c == nil:
		refuse(w, http.StatusNotFound, "there is no such coordination", 0)
	case c.polls == 0:
		refuse(w, http.StatusConflict, "it has ended", 0)
	default:
		c.polls, c.result, c.called = 0, "CANCELLED", true
		w.Header().Set("Location", at(r, r.PathValue("id")))
		w.WriteHeader(http.StatusAccepted)
	}
}

func (v *VNF) goesOn(w http.ResponseWriter) {
	if v.behaviour.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(v.behaviour.RetryAfter))
	}
	w.WriteHeader(http.StatusAccepted)
}

func (v *VNF) outcome(id string, c *coordination, r *http.Request) sol.LcmCoord {
	out := sol.LcmCoord{
		Id: id, CoordinationResult: c.result, VnfInstanceId: c.request.VnfInstanceId, VnfLcmOpOccId: c.request.VnfLcmOpOccId,
		LcmOperationType: c.request.LcmOperationType, CoordinationActionName: c.request.CoordinationActionName, Warnings: v.behaviour.Warnings,
		Links: c.request.Links,
	}
	if v.behaviour.Problem != "" {
		out.Error = &sol.ProblemDetails{Title: "Not now", Status: http.StatusConflict, Detail: v.behaviour.Problem}
	}
	out.Links.Self = &sol.Link{Href: at(r, id)}
	return out
}
