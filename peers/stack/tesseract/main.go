// Command tesseract serves a certificate transparency log to the private
// Sigstore of our tests.
//
// TesseraCT comes with a command of its own, which does not build from what the
// Go module proxy has: it wants a commit of Tessera that the proxy does not
// serve. Its library builds with Tessera's release, so the library is served
// here. Left out is what a log of one short test run has no use for: refusing
// duplicates, rate limits, remote roots and telemetry.
package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"github.com/transparency-dev/tesseract"
	"github.com/transparency-dev/tesseract/storage"
	issuers "github.com/transparency-dev/tesseract/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

const (
	requestDeadline = 10 * time.Second
	// Tests wait for every entry, so batches are short; Tessera allows no
	// shorter interval between checkpoints.
	batchAge           = 10 * time.Millisecond
	checkpointInterval = 100 * time.Millisecond
	noRateLimit        = -1
	maxChainBytes      = 512 << 10
)

func main() {
	listen := flag.String("listen", "", "host and port to serve on")
	origin := flag.String("origin", "", "name of the log in its checkpoints, without a scheme")
	storageDir := flag.String("storage-dir", "", "directory that the log is kept in")
	privateKey := flag.String("private-key", "", "PKCS#8 PEM file of the log's ECDSA key")
	roots := flag.String("roots-pem-file", "", "PEM file of the roots whose certificates are logged")
	flag.Parse()
	if err := serve(*listen, *origin, *storageDir, *privateKey, *roots); err != nil {
		log.Fatalf("tesseract: %v", err)
	}
}

func serve(listen, origin, storageDir, privateKey, roots string) error {
	signer, err := readKey(privateKey)
	if err != nil {
		return err
	}
	open := func(ctx context.Context, checkpointSigner note.Signer) (*storage.CTStorage, error) {
		return openStorage(ctx, storageDir, checkpointSigner)
	}
	// "Any", because Fulcio's certificates are for signing code.
	chains := tesseract.ChainValidationConfig{RootsPEMFile: roots, ExtKeyUsages: "Any"}
	options := tesseract.LogHandlerOpts{DedupRL: noRateLimit, MaxCertChainBytes: maxChainBytes}
	handler, err := tesseract.NewLogHandler(
		context.Background(), origin, signer, chains, open, requestDeadline, false, "", options)
	if err != nil {
		return err
	}
	server := http.Server{Addr: listen, Handler: handler, ReadHeaderTimeout: requestDeadline}
	return server.ListenAndServe()
}

func readKey(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM file", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s holds a key that cannot sign", path)
	}
	return signer, nil
}

func openStorage(ctx context.Context, directory string, signer note.Signer) (*storage.CTStorage, error) {
	driver, err := posix.New(ctx, posix.Config{Path: directory})
	if err != nil {
		return nil, err
	}
	options := tessera.NewAppendOptions().
		WithCTLayout().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(checkpointInterval).
		WithBatching(tessera.DefaultBatchMaxSize, batchAge)
	appender, _, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return nil, err
	}
	issuerStorage, err := issuers.NewIssuerStorage(ctx, directory)
	if err != nil {
		return nil, err
	}
	// Nothing reads the log back, so an answer need not wait for a checkpoint.
	return storage.NewCTStorage(ctx, &storage.CTStorageOptions{
		Appender:         appender,
		Reader:           reader,
		IssuerStorage:    issuerStorage,
		EnablePubAwaiter: false,
	})
}
