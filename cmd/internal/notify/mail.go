package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	netsmtp "net/smtp"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/email/smtp"
)

// maxMail is the most of a mail's text, in bytes.
const maxMail = 100 << 10

// openMail reads the URL as the library does, so that those made for it work. The mail
// goes out from here: the library sets no deadline once it is connected, trusts the
// system's certificates only, and writes a subject that is not encoded.
func (ch *Channel) openMail(u *url.URL) error {
	s := &smtp.Service{}
	if err := s.Initialize(u, nil); err != nil {
		return err
	}
	c := s.Config
	c.FixEmailTags()
	for _, address := range append([]string{c.FromAddress}, c.ToAddresses...) {
		if _, err := mail.ParseAddress(address); err != nil {
			return fmt.Errorf("%q is no mail address", address)
		}
	}
	if c.ClientHost == "auto" {
		c.ClientHost = "localhost"
		if name, err := os.Hostname(); err == nil {
			c.ClientHost = name
		}
	}
	ch.begin = func(m Message) func(context.Context, line) error {
		d := &mailing{config: *c, left: c.ToAddresses, mail: letter(*c, m, time.Now())}
		return d.try
	}
	return nil
}

// mailing is one mail on its way.
type mailing struct {
	config  smtp.Config
	mail    []byte
	left    []string // recipients that do not have it yet
	refused []error  // those that never will
}

// try delivers to those who are left. Recipients that the server refuses for good do not
// keep the mail from the others.
func (d *mailing) try(ctx context.Context, l line) error {
	begun := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, l.attempt, errAttempt)
	defer cancel()
	if err := d.deliver(ctx, l.options.TLS); err != nil {
		return d.explain(ctx, time.Since(begun), err)
	}
	return join(d.refused)
}

func (d *mailing) address() string {
	return net.JoinHostPort(d.config.Host, strconv.Itoa(int(d.config.Port)))
}

// explain makes a failure of an error. Codes from 400 to 499 ask to come again (RFC
// 5321, section 4.2.1).
func (d *mailing) explain(ctx context.Context, waited time.Duration, err error) error {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return &failure{msg: fmt.Sprintf("%s: %d %s", d.address(), e.Code, e.Msg), status: e.Code, temporary: e.Code/100 == 4}
	}
	if errors.Is(err, errClear) {
		return &failure{msg: fmt.Sprintf("%s: %v", d.address(), err)}
	}
	return broken(ctx, d.address(), waited, err)
}

var errClear = errors.New("the server offers no STARTTLS, and this is not sent in the clear")

// deliver is one conversation with the server.
func (d *mailing) deliver(ctx context.Context, trust *tls.Config) error {
	c := d.config
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if trust != nil {
		config = trust.Clone()
	}
	config.InsecureSkipVerify = config.InsecureSkipVerify || c.SkipTLSVerify //nolint:gosec // the user's URL asks for it
	if config.ServerName == "" {
		config.ServerName = c.Host
	}
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.address())
	if err != nil {
		return err
	}
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })() // ends what is under way
	conn := raw
	implicit := c.Encryption == smtp.EncImplicitTLS || c.Encryption == smtp.EncAuto && c.Port == smtp.ImplicitTLSPort
	if implicit {
		conn = tls.Client(conn, config)
	}
	client, err := netsmtp.NewClient(conn, c.Host)
	if err != nil {
		return err
	}
	if err := client.Hello(c.ClientHost); err != nil {
		return err
	}
	auth := authentication(c)
	if !implicit && c.UseStartTLS && c.Encryption != smtp.EncNone {
		ok, _ := client.Extension("STARTTLS")
		switch {
		case ok:
			if err := client.StartTLS(config); err != nil {
				return err
			}
		case c.RequireStartTLS, c.Encryption == smtp.EncExplicitTLS:
			return errClear
		}
	}
	if auth != nil {
		if _, encrypted := client.TLSConnectionState(); !encrypted && !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, c.Host) {
			return errClear
		}
		if err := client.Auth(auth); err != nil {
			return err
		}
	}
	if err := client.Mail(c.FromAddress); err != nil {
		return err
	}
	return d.data(client)
}

// data names the recipients and hands the mail over.
func (d *mailing) data(client *netsmtp.Client) error {
	var taken, later []string
	var again error
	for _, to := range d.left {
		err := client.Rcpt(to)
		e, ok := errors.AsType[*textproto.Error](err)
		switch {
		case err == nil:
			taken = append(taken, to)
		case ok && e.Code/100 == 4:
			later, again = append(later, to), err
		case ok:
			d.refused = append(d.refused, &failure{msg: fmt.Sprintf("%s refuses %s: %d %s", d.address(), to, e.Code, e.Msg), status: e.Code})
		default:
			return err
		}
	}
	d.left = slices.Concat(taken, later)
	if len(taken) > 0 {
		w, err := client.Data()
		if err != nil {
			return err
		}
		if _, err := w.Write(d.mail); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	d.left = later
	_ = client.Quit() // the mail is with the server already
	return again
}

// authentication is nil where there is no user.
func authentication(c smtp.Config) netsmtp.Auth {
	switch c.Auth {
	case smtp.AuthPlain:
		return netsmtp.PlainAuth("", c.Username, c.Password, c.Host)
	case smtp.AuthCRAMMD5:
		return netsmtp.CRAMMD5Auth(c.Username, c.Password)
	case smtp.AuthOAuth2:
		return smtp.OAuth2Auth(c.Username, c.Password)
	}
	return nil
}

// letter is the mail as RFC 5322 has it. Mails of one group are one thread.
func letter(c smtp.Config, m Message, now time.Time) []byte {
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	from := mail.Address{Name: oneLine(c.FromName), Address: c.FromAddress}
	_, domain, _ := strings.Cut(c.FromAddress, "@")
	thread := "<" + m.incident() + "@" + domain + ">"
	var to []string
	for _, address := range c.ToAddresses {
		to = append(to, (&mail.Address{Address: address}).String())
	}
	header("From", from.String())
	header("To", strings.Join(to, ",\r\n "))
	header("Subject", mime.QEncoding.Encode("utf-8", m.Title()))
	header("Date", now.Format(time.RFC1123Z))
	header("Message-ID", fmt.Sprintf("<%d.%s@%s>", now.UnixNano(), m.incident(), domain))
	header("In-Reply-To", thread)
	header("References", thread)
	header("Auto-Submitted", "auto-generated") // RFC 3834: nobody's holiday reply
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = io.WriteString(w, m.Body(maxMail)+"\n") // to memory
	_ = w.Close()
	return b.Bytes()
}
