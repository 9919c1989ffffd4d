package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// Options turn leadership on: of all gateways that provision the organization, and share a storage and its name, one at a
// time carries operations out.
type Options struct {
	// Where the other gateways reach this one: a scheme, a host and a port, such as http://10.0.0.1:8080. Requests that come
	// while another gateway leads are forwarded to the address that it advertises. The default is none: they are refused with
	// 503 and Retry-After. Placeholders such as {env.HOST_IP} are resolved when the configuration is loaded.
	Advertise string `json:"advertise,omitempty"`

	// How long the leader has to be silent until another gateway takes its place. It is the same for all gateways. The
	// default is 15s, the least is 1s.
	TTL caddy.Duration `json:"ttl,omitempty"`
}

// DefaultTTL is how long a leader has to be silent where the configuration says nothing.
const DefaultTTL = 15 * time.Second

// Check finds what is wrong with the options.
func (o *Options) Check() error {
	if o.TTL != 0 && (time.Duration(o.TTL) < time.Second || time.Duration(o.TTL) > 10*time.Minute) {
		return errors.New("cluster: ttl is between 1s and 10m")
	}
	if o.Advertise == "" {
		return nil
	}
	u, err := url.Parse(o.Advertise)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" || (u.Path != "" && u.Path != "/") {
		return errors.New("cluster: advertise is a scheme, a host and a port, such as http://10.0.0.1:8080")
	}
	return nil
}

// resolved returns the options with their placeholders' values, checked.
func (o *Options) resolved() (*Options, error) {
	r := *o
	var err error
	if r.Advertise, err = caddy.NewReplacer().ReplaceOrErr(o.Advertise, true, true); err != nil {
		return nil, fmt.Errorf("cluster: advertise: %w", err)
	}
	return &r, r.Check()
}

// ttl returns the time to live of the lease.
func (o *Options) ttl() time.Duration {
	if o.TTL == 0 {
		return DefaultTTL
	}
	return time.Duration(o.TTL)
}

// Target returns the scheme and the address of a gateway that advertises itself, to be dialed.
func (s *Standby) Target() (scheme, address string, err error) {
	u, err := url.Parse(s.Address)
	if err != nil || u.Hostname() == "" {
		return "", "", fmt.Errorf("the leader advertises %q, which is no address", s.Address)
	}
	port := u.Port()
	if port == "" {
		if port = "80"; u.Scheme == "https" {
			port = "443"
		}
	}
	return u.Scheme, net.JoinHostPort(u.Hostname(), port), nil
}
