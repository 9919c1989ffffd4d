package mapping

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-scim/gateway/transforms/doc"
	"github.com/caddy-scim/gateway/transforms/mapping/plan"
	"github.com/caddy-scim/gateway/transforms/scim"
)

func (c *compiler) errorRules(defs []RuleDef) []plan.ErrorRule {
	var out []plan.ErrorRule
	for i, def := range defs {
		out = append(out, c.at(index("errors", i)).rule(def))
	}
	return out
}

// types are the scimTypes that a rule may give an error (RFC 7644 §3.12).
var types = []string{scim.InvalidValue, scim.Uniqueness, scim.Mutability, scim.TooMany, scim.InvalidSyntax, scim.InvalidPath, scim.NoTarget}

func (c *compiler) rule(def RuleDef) plan.ErrorRule {
	r := plan.ErrorRule{OK: def.OK, Path: c.path(def.Path)}
	switch status, err := strconv.Atoi(def.Status); {
	case err == nil && status >= 100 && status <= 599:
		r.Low, r.High = status, status
	case def.Status == "*":
		r.High = 999
	case len(def.Status) == 3 && def.Status[0] >= '1' && def.Status[0] <= '5' && doc.Fold(def.Status[1:]) == "xx":
		r.Low = int(def.Status[0]-'0') * 100
		r.High = r.Low + 99
	default:
		c.fail("%q is no status: a code such as 400, a class such as 4xx, or *", def.Status)
	}
	if (def.Path == "") != (def.Pattern == "") {
		c.fail("a path and a pattern belong together")
	}
	if def.Pattern != "" {
		var err error
		if r.Pattern, err = regexp.Compile("(?is)" + def.Pattern); err != nil {
			reason := err.Error()
			if wrong, ok := errors.AsType[*syntax.Error](err); ok {
				reason = wrong.Code.String()
			}
			c.fail("bad regular expression %q: %s", def.Pattern, reason)
		}
	}
	r.Answer = scim.Error{Status: def.Answer, Type: def.Type, Detail: def.Detail}
	switch {
	case def.OK && (def.Answer != 0 || def.Type != "" || def.Detail != ""):
		c.fail("a success has neither a status, a scimType nor a detail")
	case def.OK:
	case def.Answer < 400 || def.Answer > 599:
		c.fail("the provider is told a status from 400 to 599, or the answer is ok")
	case def.Answer == 401:
		c.fail("the provider is never told 401 for the organization: it would take its own key for wrong")
	case def.Type != "" && !slices.Contains(types, def.Type):
		c.fail("unknown scimType %q: one of %s", def.Type, strings.Join(types, ", "))
	}
	if r.Answer.Detail == "" {
		r.Answer.Detail = details[def.Type]
	}
	if r.Answer.Detail == "" {
		r.Answer.Detail = "the organization refused the request"
	}
	if def.Answer == 404 && def.Detail == "" {
		r.Answer.Detail = "the resource is not known to the organization"
	}
	return r
}

// details are the sentences for errors of which the mapping does not give one.
var details = map[string]string{
	scim.Uniqueness:   "the organization has such a resource already",
	scim.InvalidValue: "the organization refused a value",
	scim.Mutability:   "the organization does not allow this to be changed",
}
