package gateway

import (
	"net/http"
	"slices"
	"strings"
)

// allowOrigin tells a browser that the page may read the response, if it may.
func allowOrigin(w http.ResponseWriter, q *http.Request, origins []string) bool {
	origin := q.Header.Get("Origin")
	if origin == "" || len(origins) == 0 {
		return false
	}
	w.Header().Add("Vary", "Origin")
	switch {
	case slices.Contains(origins, "*"):
		w.Header().Set("Access-Control-Allow-Origin", "*")
	case slices.Contains(origins, origin):
		w.Header().Set("Access-Control-Allow-Origin", origin)
	default:
		return false
	}
	return true
}

// preflight answers what a browser asks before it calls one of the routes of a path.
func preflight(routes []*Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var methods []string
		for _, r := range routes {
			if r.Trigger.HTTP.Method() == q.Header.Get("Access-Control-Request-Method") && allowOrigin(w, q, r.Trigger.Origins) {
				methods = append(methods, r.Trigger.HTTP.Method())
			}
		}
		if len(methods) > 0 {
			w.Header().Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
			w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
			w.Header().Set("Access-Control-Max-Age", "600")
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
