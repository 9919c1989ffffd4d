package integration

// What the Caddyfiles of the tests consist of.

const (
	orgClient = "organization.6f2b0a52-3b8e-4a0e-9f5c-0d7b1c2e3f40"
	orgSecret = "organization-secret-0123456789"
)

// bitwarden is the upstream of a gateway in front of the embedded organization, or of what answers in its place.
const bitwarden = `upstream bitwarden {
			client_id ` + orgClient + `
			client_secret ` + orgSecret + `
		}`

// organization is the embedded organization.
const organization = `
	scim_organization {
		store {DIR}/organization.db
		client ` + orgClient + ` ` + orgSecret + `
		owner owner@example.com
	}`

// embedded is a site with the gateway in front of the embedded organization, in one route and one process.
var embedded = gateway("", bitwarden) + organization

// gateway is the directive with Entra's quirks and what else is in its block. With an address it expands to a
// reverse_proxy, without one the upstream is what follows in the route.
func gateway(addr, block string) string {
	return `
	scim_gateway /scim/* ` + addr + ` {
		key test {KEY}
		quirks entra
		` + block + `
	}`
}

// anotherSite ends the site before it and begins one at the address, which the end of the whole closes.
func anotherSite(addr, body string) string {
	return `
}
http://` + addr + ` {` + body
}
