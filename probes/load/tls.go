package load

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
)

func defaultTLS() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12} }

// isTLS tells whether err comes from a handshake that net/http did itself, as
// it does behind a proxy.
func isTLS(err error) bool {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	// net/http keeps the type of this one to itself.
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout() && strings.Contains(err.Error(), "TLS handshake")
}
