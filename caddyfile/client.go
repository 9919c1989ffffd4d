package caddyfile

import "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

// client reads
//
//	client <client_id> <secret | sha256:hex | placeholder> {
//		… what a key may have
//	}
//
// With a client there is a token endpoint, <root>/oauth2/token. Like a key, a secret in plain text becomes its hash here.
func (c *config) client(d *caddyfile.Dispenser) error {
	k, err := credential(d, "a client has an id and a secret: client <client_id> <secret>; a variable {$…} that is not set leaves nothing")
	if err != nil {
		return err
	}
	for _, other := range c.handler.Clients {
		if other.Key == k.Key {
			return d.Errf("the clients %s and %s have the same secret", other.Name, k.Name)
		}
	}
	if err := keyBlock(d, "client", &k); err != nil {
		return err
	}
	c.handler.Clients = append(c.handler.Clients, k)
	return c.namesOnce(d)
}
