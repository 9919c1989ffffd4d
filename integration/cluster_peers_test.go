package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-scim/gateway/integration/entra"
)

// certificate is one for 127.0.0.1 that is its own authority, as two files, and what trusts it.
func certificate(t *testing.T) (cert, key string, trusted *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gateways"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: text}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trusted = x509.NewCertPool()
	trusted.AddCert(parsed)
	return cert, key, trusted
}

// TestClusterOverTLS is two gateways that reach each other by https. A key that is good from one address is good from there
// through either gateway, and from nowhere else, whatever a client says of itself.
func TestClusterOverTLS(t *testing.T) {
	const nearKey, near = "another-key-for-tests-only-0123456789", "127.0.0.2"
	cert, key, trusted := certificate(t)
	t.Setenv("SSL_CERT_FILE", cert) // for the gateways, which are processes of their own
	org := freeAddr(t)
	s := start(t, `
	respond "unused"`+anotherSite(org, organization))
	c := &clustered{t: t, org: newPublicAPI(t, &server{addr: org, http: s.http}, "")}
	client := func(from string) *http.Client {
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		return &http.Client{Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: trusted}, DisableKeepAlives: true,
		}}
	}
	elsewhere, there := client("127.0.0.1"), client(near)
	storage := t.TempDir()
	for range 2 {
		m := &member{addr: freeAddr(t)}
		m.process = runProcess(t, storage, "https://"+m.addr+" {\ntls "+cert+" "+key+gateway(org, bitwarden+`
		key near `+nearKey+` {
			from `+near+`
		}
		organization example
		cluster {
			advertise https://`+m.addr+`
			ttl `+clusterTTL.String()+`
		}`)+"\n}\n")
		m.client = &entra.Client{TenantURL: "https://" + m.addr + "/scim", Secret: testKey, HTTP: elsewhere}
		c.gateways = append(c.gateways, m)
	}
	a, b := c.gateways[0], c.gateways[1]
	id := c.create(a, "jane")
	res, err := b.client.SetActive(id, false)
	if err != nil || res.Status != 200 || c.state("jane") != "revoked" {
		t.Fatalf("a deactivation on standby: %+v %v; the organization says %s\n%s", res, err, c.state("jane"), c.logs())
	}
	if !strings.Contains(string(res.Raw), `"https://`+b.addr+`/`) {
		t.Errorf("the location is not as it was asked for: %s", res.Raw)
	}
	if strings.Contains(b.log(), "provisions the organization now") {
		t.Errorf("two lead:\n%s", c.logs())
	}
	for i, m := range c.gateways {
		for _, try := range []struct {
			http   *http.Client
			status int
			said   map[string]string
		}{
			{there, 200, nil},
			{elsewhere, 401, nil},
			{elsewhere, 401, map[string]string{"X-Forwarded-For": near, "Scim-Gateway-Client": near, "Scim-Gateway-Peer": "00", "Scim-Gateway-Host": m.addr, "Scim-Gateway-Proto": "https"}},
		} {
			req, err := http.NewRequest(http.MethodGet, "https://"+m.addr+"/scim/Users/"+id, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+nearKey)
			for name, value := range try.said {
				req.Header.Set(name, value)
			}
			res, err := try.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != try.status {
				t.Errorf("gateway %d, said %v: got %d, want %d", i, try.said, res.StatusCode, try.status)
			}
		}
	}
}
