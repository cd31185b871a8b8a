package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"llmops/probes/remote"
)

// Receiver says where messages go, and where the secrets for it are: never the secrets.
type Receiver struct {
	Name string
	URL  Secret // a service URL, such as slack://hook:TOKEN@webhook
	SMS  *SMS   // instead of a URL
}

// Secret says where a secret is: in a variable of the environment, or in a file.
type Secret struct{ Env, File string }

func (s Secret) String() string {
	if s.Env != "" {
		return "$" + s.Env
	}
	return s.File
}

// SMS are short messages through Twilio. The numbers may be given as they are.
type SMS struct {
	AccountSID, AuthToken Secret
	From, FromEnv         string   // a number (+14155550100), or the ID of a messaging service (MG…)
	To                    []string // numbers
	ToEnv                 string   // numbers, separated by commas or spaces
}

// Lookup finds a variable of the environment.
type Lookup func(name string) (string, bool)

// Unset says that a secret is not there: the receiver is described, but not set up.
type Unset struct{ Receiver, Where string }

func (e *Unset) Error() string { return fmt.Sprintf("receiver %s: %s", e.Receiver, e.Where) }

// Channel is a receiver that messages can be sent to.
type Channel struct {
	Receiver string
	Kind     string // what it is: slack, smtp, pagerduty, sms, …

	clean remote.Access // knows the secrets, to keep them out of what is said
	// begin prepares a message. What it returns is called until it succeeds, gives up or
	// is out of tries, and goes on with the recipients that were not reached yet.
	begin func(Message) func(context.Context, line) error
}

// String names a channel, and keeps what it knows out of everything that is printed.
func (ch Channel) String() string { return ch.Receiver + " (" + ch.Kind + ")" }

// line is what a send may use to reach a server.
type line struct {
	client  *http.Client  // of which only the Transport matters where a library makes the client
	attempt time.Duration // for one request
	agent   string
	door    *door // nil where no channel needs it
	options *Options
}

// Open reads a receiver's secrets and finds out how to send to it. The warnings are
// about files that others may read. A secret that is not there is an *Unset.
func Open(r Receiver, env Lookup) (*Channel, []string, error) {
	ch := &Channel{Receiver: r.Name}
	if r.SMS != nil {
		if r.URL != (Secret{}) {
			return nil, nil, fmt.Errorf("receiver %s: has a URL and sms, and can be only one of them", r.Name)
		}
		warnings, err := ch.openSMS(*r.SMS, env)
		if err != nil {
			return nil, warnings, err
		}
		return ch, warnings, nil
	}
	if (r.URL.Env == "") == (r.URL.File == "") {
		return nil, nil, fmt.Errorf("receiver %s: want one of url_env, url_file and sms", r.Name)
	}
	raw, warnings, err := r.URL.read(r.Name, env)
	if err != nil {
		return nil, warnings, err
	}
	ch.clean.Secrets = []string{raw}
	u, err := url.Parse(fromWebhook(raw))
	if err != nil || u.Scheme == "" {
		// The error of url.Parse would repeat the URL.
		return nil, warnings, fmt.Errorf("receiver %s: %s is not a URL such as slack://hook:TOKEN@webhook", r.Name, r.URL)
	}
	ch.clean.Secrets = secretsOf(u, raw)
	ch.Kind, _, _ = strings.Cut(strings.ToLower(u.Scheme), "+")
	switch ch.Kind {
	case "smtp":
		err = ch.openMail(u)
	case "pagerduty":
		err = ch.openPagerDuty(u)
	default:
		err = ch.openService(u)
	}
	if err != nil {
		return nil, warnings, fmt.Errorf("receiver %s: the URL in %s: %s", r.Name, r.URL, ch.clean.Clean(err.Error()))
	}
	return ch, warnings, nil
}

// fromWebhook turns the address that a service shows to its users into the URL of that
// service, so that it can be pasted as it is. Anything else stays as it was.
func fromWebhook(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" {
		return raw
	}
	rest := func(prefix string) []string {
		path, ok := strings.CutPrefix(u.Path, prefix)
		if !ok {
			return nil
		}
		return strings.Split(strings.Trim(path, "/"), "/")
	}
	switch u.Host {
	case "hooks.slack.com":
		if p := rest("/services/"); len(p) == 3 {
			return "slack://hook:" + strings.Join(p, "-") + "@webhook"
		}
	case "open.feishu.cn", "open.larksuite.com":
		if p := rest("/open-apis/bot/v2/hook/"); len(p) == 1 {
			return "lark://" + u.Host + "/" + p[0]
		}
	case "qyapi.weixin.qq.com":
		if key := u.Query().Get("key"); key != "" {
			return "wecom://" + key
		}
	case "discord.com":
		if p := rest("/api/webhooks/"); len(p) == 2 {
			return "discord://" + p[1] + "@" + p[0]
		}
	}
	return raw
}

// errNoSend is a service that claims to have sent, without a request.
var errNoSend = errors.New("nothing was sent")
