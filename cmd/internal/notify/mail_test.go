package notify

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// sink is a mail server. Recipients that begin with "no" are refused for good, those
// with "later" the first time.
type sink struct {
	address  string
	tls      *tls.Config // offered by STARTTLS; nil: not
	implicit bool
	user     string // "": nobody needs to log in; its password is "passw0rd"
	mute     bool   // accepts connections and says nothing
	ip       string // "": 127.0.0.1
	full     bool   // has no room for the first mail

	mu    sync.Mutex
	mails []arrived
	tries int
}

type arrived struct {
	to        []string
	from      string
	data      string
	encrypted bool
}

func (s *sink) start(t *testing.T) *sink {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(s.ip, "127.0.0.1"), "0"))
	if err != nil && s.ip != "" {
		t.Skip(err) // not every system has all of 127.0.0.0/8
	} else if err != nil {
		t.Fatal(err)
	}
	if s.implicit {
		l = tls.NewListener(l, s.tls)
	}
	s.address = l.Addr().String()
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			wg.Go(func() { s.serve(conn) })
		}
	})
	return s
}

func (s *sink) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	s.mu.Lock()
	s.tries++
	try := s.tries
	s.mu.Unlock()
	in := bufio.NewReader(conn)
	say := func(text string) { _, _ = io.WriteString(conn, text+"\r\n") }
	if s.mute {
		_, _ = io.Copy(io.Discard, in)
		return
	}
	say("220 sink")
	var m arrived
	encrypted, known := s.implicit, s.user == ""
	for {
		text, err := in.ReadString('\n')
		if err != nil {
			return
		}
		text = strings.TrimRight(text, "\r\n")
		verb := strings.ToUpper(text)
		switch {
		case strings.HasPrefix(verb, "EHLO"):
			say("250-sink")
			if s.tls != nil && !encrypted {
				say("250-STARTTLS")
			}
			if s.user != "" {
				say("250-AUTH PLAIN")
			}
			say("250 8BITMIME")
		case verb == "STARTTLS":
			say("220 go")
			c := tls.Server(conn, s.tls)
			if c.Handshake() != nil {
				return
			}
			conn, in, encrypted = c, bufio.NewReader(c), true
			say = func(text string) { _, _ = io.WriteString(c, text+"\r\n") }
		case strings.HasPrefix(verb, "AUTH PLAIN "):
			login, _ := base64.StdEncoding.DecodeString(text[len("AUTH PLAIN "):])
			if known = string(login) == "\x00"+s.user+"\x00passw0rd"; known {
				say("235 welcome")
			} else {
				say("535 not " + string(login[1:]))
			}
		case strings.HasPrefix(verb, "MAIL FROM:"):
			if !known {
				say("530 who are you")
				continue
			}
			m = arrived{from: text[len("MAIL FROM:"):], encrypted: encrypted}
			say("250 ok")
		case strings.HasPrefix(verb, "RCPT TO:<NO"):
			say("550 no such user")
		case strings.HasPrefix(verb, "RCPT TO:<LATER") && try == 1:
			say("451 come again")
		case strings.HasPrefix(verb, "RCPT TO:"):
			m.to = append(m.to, strings.Trim(text[len("RCPT TO:"):], "<>"))
			say("250 ok")
		case verb == "DATA":
			say("354 go")
			var b strings.Builder
			for {
				l, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if l == ".\r\n" {
					break
				}
				b.WriteString(strings.TrimPrefix(l, "."))
			}
			m.data = b.String()
			s.mu.Lock()
			refuse := s.full
			if s.full = false; !refuse {
				s.mails = append(s.mails, m)
			}
			s.mu.Unlock()
			if refuse {
				say("452 full")
				continue
			}
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func TestMail(t *testing.T) {
	s := (&sink{}).start(t)
	m := group(latency("a", 2.5, "10:15:00", ""), latency("漢字", 3, "10:15:00", ""))
	for i := range m.Alerts {
		m.Alerts[i].Labels["alertname"] = "延迟过高\r\nBcc: evil@evil.test"
		m.Alerts[i].Annotations["summary"] = ".\nlatency = high " + strings.Repeat("é", 100)
	}
	ch := channel(t, "mail", "smtp://"+s.address+"/?from=alerts@b.test&fromname=On%20Call&to=x@b.test,y@b.test")
	if r := tell(t, ch, m, Options{}); r.Err != nil {
		t.Fatal(r.Err)
	}
	got := s.mails[0]
	if d := gocmp.Diff([]string{"x@b.test", "y@b.test"}, got.to); d != "" || !strings.HasPrefix(got.from, "<alerts@b.test>") {
		t.Error(d, got.from)
	}
	msg, err := mail.ReadMessage(strings.NewReader(got.data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := (&mime.WordDecoder{}).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil || subject != m.Title() || msg.Header.Get("Bcc") != "" || strings.Contains(subject, "\n") {
		t.Errorf("%q %v", subject, err)
	}
	if from, err := msg.Header.AddressList("From"); err != nil || from[0].Name != "On Call" {
		t.Error(from, err)
	}
	if to, err := msg.Header.AddressList("To"); err != nil || len(to) != 2 {
		t.Error(to, err)
	}
	if at, err := msg.Header.Date(); err != nil || time.Since(at).Abs() > time.Minute {
		t.Error(at, err)
	}
	if msg.Header.Get("References") != "<"+m.incident()+"@b.test>" || msg.Header.Get("Message-Id") == "" {
		t.Error(msg.Header)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(msg.Body))
	if d := gocmp.Diff(m.Body(maxMail)+"\n", strings.ReplaceAll(string(body), "\r\n", "\n")); d != "" || err != nil {
		t.Error(d, err)
	}
	for l := range strings.SplitSeq(got.data, "\r\n") {
		if len(l) > 998 { // RFC 5322, section 2.1.1
			t.Errorf("a line of %d", len(l))
		}
	}
}

func TestMailEncryption(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	server := &tls.Config{Certificates: []tls.Certificate{ca.sign(t)}}
	trusted, untrusted := &tls.Config{RootCAs: ca.pool, MinVersion: tls.VersionTLS12}, &tls.Config{RootCAs: other.pool, MinVersion: tls.VersionTLS12}
	const rest = "/?from=a@b.test&to=x@b.test"
	for _, c := range []struct {
		name         string
		s            *sink
		login, query string
		trust        *tls.Config
		want         string // "": the mail arrives
		clear        bool
		tries        int
	}{
		{"starttls", &sink{tls: server}, "", "", trusted, "", false, 1},
		{"starttls, login", &sink{tls: server, user: "me"}, "me:passw0rd@", "", trusted, "", false, 1},
		{"wrong password", &sink{tls: server, user: "me"}, "me:wr0ngpass@", "", trusted, "535 not me redacted", false, 1},
		{"no login", &sink{tls: server, user: "me"}, "", "", trusted, "530 who are you", false, 1},
		{"not trusted", &sink{tls: server}, "", "", untrusted, "certificate", false, 1},
		{"skiptlsverify", &sink{tls: server}, "", "&skiptlsverify=yes", untrusted, "", false, 1},
		{"implicit", &sink{tls: server, implicit: true, user: "me"}, "me:passw0rd@", "&encryption=ImplicitTLS", trusted, "", false, 1},
		{"implicit, not trusted", &sink{tls: server, implicit: true}, "", "&encryption=ImplicitTLS", untrusted, "certificate", false, 1},
		{"required and not there", &sink{}, "", "&requirestarttls=yes", trusted, "offers no STARTTLS", false, 1},
		{"explicit and not there", &sink{}, "", "&encryption=ExplicitTLS", trusted, "offers no STARTTLS", false, 1},
		{"clear", &sink{}, "", "", trusted, "", true, 1},
		{"not wanted", &sink{tls: server}, "", "&usestarttls=no", trusted, "", true, 1},
		{"login in the clear", &sink{user: "me", ip: "127.0.0.2"}, "me:passw0rd@", "", trusted, "offers no STARTTLS", false, 1},
		{"login in the clear, to this host", &sink{user: "me"}, "me:passw0rd@", "", trusted, "", true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.s.start(t)
			r := tell(t, channel(t, "mail", "smtp://"+c.login+s.address+rest+c.query), group(latency("a", 3, "10:15:00", "")), Options{TLS: c.trust, Attempt: 5 * time.Second})
			if c.want != "" {
				if r.Err == nil || !strings.Contains(r.Err.Error(), c.want) || strings.Contains(r.Err.Error(), "wr0ngpass") || r.Tries != c.tries || len(s.mails) > 0 {
					t.Errorf("%v after %d tries, want %s", r.Err, r.Tries, c.want)
				}
				return
			}
			if r.Err != nil || len(s.mails) != 1 || s.mails[0].encrypted == c.clear {
				t.Error(r.Err, s.mails)
			}
		})
	}
}

// Each recipient gets the mail once, those that are refused keep it from nobody.
func TestMailRecipients(t *testing.T) {
	for full, want := range map[bool][][]string{
		false: {{"x@b.test", "y@b.test"}, {"later@b.test"}},
		true:  {{"x@b.test", "y@b.test", "later@b.test"}}, // the first mail was taken from nobody
	} {
		mailRecipients(t, (&sink{full: full}).start(t), want)
	}
}

func mailRecipients(t *testing.T, s *sink, want [][]string) {
	r := tell(t, channel(t, "mail", "smtp://"+s.address+"/?from=a@b.test&to=x@b.test,later@b.test,nobody@b.test,y@b.test"), group(latency("a", 3, "10:15:00", "")), Options{Jitter: func() float64 { return -0.49 }})
	var to [][]string
	for _, m := range s.mails {
		to = append(to, m.to)
	}
	if d := gocmp.Diff(want, to); d != "" || r.Tries != 2 {
		t.Error(d, r.Tries)
	}
	e, _ := r.Err.(*Error)
	if e == nil || e.Status != 550 || strings.Count(e.Msg, "nobody@b.test") != 1 || strings.Contains(e.Msg, "later@b.test") {
		t.Error(r.Err)
	}
}

func TestMailHangs(t *testing.T) {
	t.Run("in the clear", func(t *testing.T) { mailHangs(t, &sink{mute: true}, "") })
	t.Run("in the handshake", func(t *testing.T) { mailHangs(t, &sink{mute: true}, "&encryption=ImplicitTLS") })
}

func mailHangs(t *testing.T, s *sink, query string) {
	s.start(t)
	begun := time.Now()
	r := tell(t, channel(t, "mail", "smtp://"+s.address+"/?from=a@b.test&to=x@b.test"+query), group(latency("a", 3, "10:15:00", "")), Options{Attempt: 100 * time.Millisecond, Tries: 2, Jitter: func() float64 { return -0.49 }})
	if r.Err == nil || r.Tries != 2 || time.Since(begun) > 30*time.Second || !strings.Contains(r.Err.Error(), "did not answer within 100ms") {
		t.Errorf("%v after %v", r.Err, time.Since(begun))
	}
}
