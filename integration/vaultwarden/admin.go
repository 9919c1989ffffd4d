package vaultwarden

import (
	"crypto/rand"
	"net/http"
)

// AdminToken opens the admin API, which is about accounts and not about the organization.
const AdminToken = "admin-token-0123456789"

// admin are the routes of the admin API that matter to people who leave: somebody logs in with a form and gets a cookie, which the
// other calls need; they take application/json only, although they have no body.
func (s *Server) admin() {
	session := rand.Text()
	s.mux.HandleFunc("POST /admin", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("token") != AdminToken {
			framework(w, r, http.StatusUnauthorized, "Unauthorized", "Invalid admin token, please try again.")
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "VW_ADMIN", Value: session, Path: "/admin", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		w.WriteHeader(http.StatusOK)
	})
	account := func(disabled bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			cookie, err := r.Cookie("VW_ADMIN")
			switch {
			case s.settings.NoAdmin:
				http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
				return
			case err != nil || cookie.Value != session:
				framework(w, r, http.StatusUnauthorized, "Unauthorized", "The request requires user authentication.")
				return
			case r.Header.Get("Content-Type") != "application/json":
				framework(w, r, http.StatusNotFound, "Not Found", "The requested resource could not be found.")
				return
			}
			for _, p := range s.accounts {
				if p.id == r.PathValue("user") {
					p.disabled = disabled
					return
				}
			}
			fail(w, http.StatusNotFound, "User doesn't exist")
		}
	}
	s.mux.HandleFunc("POST /admin/users/{user}/disable", account(true))
	s.mux.HandleFunc("POST /admin/users/{user}/enable", account(false))
}
