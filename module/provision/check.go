package provision

import (
	"github.com/caddy-scim/gateway/module/provision/resource"
	"github.com/caddy-scim/gateway/transforms/mapping"
	"github.com/caddy-scim/gateway/transforms/schema"
)

// Check finds what is wrong with a configuration that is not to be run here: the Caddyfile adapter asks, on a machine that
// need not have the environment of the one that will run it.
func (o Organization) Check() error {
	if err := o.defaults(); err != nil {
		return err
	}
	set, err := schema.Standard().With(append([]schema.Custom{resource.StateAttribute}, o.CustomAttributes...)...)
	if err != nil {
		return err
	}
	plan, err := mapping.Check(*o.Mapping, set)
	if err != nil {
		return err
	}
	return o.possible(plan)
}
