// What Go's crypto/tls does in the place of bench-handshake, with the same arguments and the same line of output:
//
//	peer handshakes ADDRESS PORT NAME CA-FILE COUNT
//
// A verifying client, one configuration for all, no resumption. In NAME a `*` stands for the number of the handshake.
//
//	peer leaves FOLDER ISSUER COUNT PATTERN [rsa]
//
// COUNT certificates, each for a name and with a key of its own, issued by FOLDER/ISSUER.pem, as FOLDER/NAME.chain.pem and
// FOLDER/NAME.key. RSA keys are slow to make: sixteen are shared.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	warmUp  = 50
	rsaKeys = 16
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func numbered(pattern string, number int) string {
	return strings.Replace(pattern, "*", strconv.Itoa(number), 1)
}

func handshake(address, name string, config *tls.Config) {
	config.ServerName = name
	connection := must(tls.Dial("tcp", address, config))
	if state := connection.ConnectionState(); state.Version != tls.VersionTLS13 || state.DidResume {
		log.Fatal("not a full handshake of TLS 1.3")
	}
	connection.Close()
}

func usage() syscall.Rusage {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return usage
}

func cpu() int64 {
	used := usage()
	return (used.Utime.Nano() + used.Stime.Nano()) / 1000
}

func handshakes(address, pattern, caFile string, count int) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(must(os.ReadFile(caFile))) {
		log.Fatal("no certificate in ", caFile)
	}
	config := &tls.Config{RootCAs: roots}
	for i := 0; i < warmUp; i++ {
		handshake(address, numbered(pattern, i), config)
	}
	before := cpu()
	for i := 0; i < count; i++ {
		handshake(address, numbered(pattern, warmUp+i), config)
	}
	fmt.Println(count, cpu()-before, usage().Maxrss)
}

func readPEM(path string) []byte {
	block, _ := pem.Decode(must(os.ReadFile(path)))
	if block == nil {
		log.Fatal("no PEM in ", path)
	}
	return block.Bytes
}

func newKey(kind string) crypto.Signer {
	if kind == "rsa" {
		return must(rsa.GenerateKey(rand.Reader, 2048))
	}
	return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
}

func writePEM(path string, blocks ...*pem.Block) {
	file := must(os.Create(path))
	for _, block := range blocks {
		if err := pem.Encode(file, block); err != nil {
			log.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}

func leaves(folder, issuer string, count int, pattern, kind string) {
	issuerDER := readPEM(filepath.Join(folder, issuer+".pem"))
	parent := must(x509.ParseCertificate(issuerDER))
	parentKey := must(x509.ParsePKCS8PrivateKey(readPEM(filepath.Join(folder, issuer+".key"))))
	var keys []crypto.Signer
	for i := 0; i < count; i++ {
		if kind != "rsa" || i < rsaKeys {
			keys = append(keys, newKey(kind))
		}
		key, name := keys[i%len(keys)], numbered(pattern, i)
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(1)<<40 + int64(i)),
			Subject:      pkix.Name{CommonName: name},
			DNSNames:     []string{name},
			NotBefore:    time.Now().Add(-24 * time.Hour),
			NotAfter:     time.Now().Add(90 * 24 * time.Hour),
			KeyUsage:     x509.KeyUsageDigitalSignature,
			ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		der := must(x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey))
		path := filepath.Join(folder, name)
		writePEM(path+".chain.pem", &pem.Block{Type: "CERTIFICATE", Bytes: der},
			&pem.Block{Type: "CERTIFICATE", Bytes: issuerDER})
		writePEM(path+".key", &pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))})
	}
}

func main() {
	arguments := append(os.Args[1:], "")
	switch {
	case arguments[0] == "handshakes" && len(arguments) == 7:
		handshakes(arguments[1]+":"+arguments[2], arguments[3], arguments[4], must(strconv.Atoi(arguments[5])))
	case arguments[0] == "leaves" && len(arguments) >= 6:
		leaves(arguments[1], arguments[2], must(strconv.Atoi(arguments[3])), arguments[4], arguments[5])
	default:
		fmt.Fprintln(os.Stderr, "usage: peer handshakes ADDRESS PORT NAME CA-FILE COUNT | leaves FOLDER ISSUER COUNT PATTERN [rsa]")
		os.Exit(2)
	}
}
