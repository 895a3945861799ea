// Command timestamp-authority serves timestamps (RFC 3161) to the private
// Sigstore of our tests.
//
// The timestamp authority of Sigstore comes with a command of its own, which
// also serves metrics, on port 2112 of every interface whatever it is told: two
// stacks, or one beside anything else that has that port, could not run. So its
// library is served here, without metrics and without watching the clock.
package main

import (
	"flag"
	"log"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"
)

const (
	deadline = 10 * time.Second
	// As the command has it by default: the authority's own policy.
	policy         = "1.3.6.1.4.1.57264.2"
	maxRequestSize = 1 << 20
)

func main() {
	host := flag.String("host", "127.0.0.1", "host to serve on")
	port := flag.Int("port", 0, "port to serve on")
	key := flag.String("private-key", "", "PKCS#8 PEM file of the authority's key")
	chain := flag.String("certificate-chain", "", "PEM file of its certificates, the authority's own first")
	flag.Parse()
	for name, value := range map[string]any{
		"timestamp-signer":         "file",
		"timestamp-signer-hash":    "sha256",
		"file-signer-key-path":     *key,
		"certificate-chain-path":   *chain,
		"enforce-intermediate-eku": true,
		"default-policy-oid":       policy,
		"accepted-policy-oids":     []string{policy},
		"max-request-body-size":    uint64(maxRequestSize),
	} {
		viper.Set(name, value)
	}
	authority := server.NewRestAPIServer(*host, *port, []string{"http"}, false, deadline, deadline)
	if err := authority.Serve(); err != nil {
		log.Fatalf("timestamp-authority: %v", err)
	}
}
