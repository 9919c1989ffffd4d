package mapping

import "github.com/caddy-scim/gateway/transforms/mapping/plan"

// What a definition is made into, under the names that those who carry it out use. All of it is in package plan.
type (
	Plan     = plan.Plan
	Resource = plan.Resource
	Call     = plan.Call
	Env      = plan.Env
	Request  = plan.Request
	Header   = plan.Header
	Verdict  = plan.Verdict
	Auth     = plan.Auth
)

// The constants of package plan.
const (
	Proceed = plan.Proceed
	Done    = plan.Done
	Failed  = plan.Failed

	NoResult       = plan.NoResult
	ResultBody     = plan.ResultBody
	ResultLocation = plan.ResultLocation
	ResultID       = plan.ResultID
	ResultRefetch  = plan.ResultRefetch

	DisableDelete = plan.DisableDelete
	DisableRefuse = plan.DisableRefuse

	AuthStatic = plan.AuthStatic
	AuthOAuth2 = plan.AuthOAuth2
	AuthLogin  = plan.AuthLogin
)

// States returns the words that [plan.Resource.State] may say.
func States() []string { return plan.States() }

// ErrForeign is [plan.ErrForeign].
var ErrForeign = plan.ErrForeign
