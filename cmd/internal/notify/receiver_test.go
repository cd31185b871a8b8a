package notify

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	slack := addresses()["slack"][0]
	open, shut, empty := file("open", slack+"\n", 0o644), file("shut", slack+"\n", 0o600), file("empty", "\n", 0o600)
	vars := env("OK", slack, "BLANK", " ", "MATRIX", "matrix://:t0kent0ken@matrix.test", "PLAIN", "https://example.test/s3cretpath", "NOURL", "s3cretpath", "BROKEN", "slack://%zz:s3cretpath@x",
		"SHORT", "slack://hook:s3cretpath@webhook", "MAIL", "smtp://mail.test?from=a@b.test", "BADMAIL", "smtp://mail.test?from=a@b.test&to=s3", "PAGER", "pagerduty://events.pagerduty.com/s3cretpath", "PAGERSET", "pagerduty:///"+strings.Repeat("Z9", 16)+"?sevrity=info", "PLUS", "slack+https://s3cretpath", "SID", "AC1")
	for _, c := range []struct {
		r        Receiver
		want     string
		unset    bool
		warnings []string
	}{
		{Receiver{URL: Secret{Env: "OK"}}, "", false, nil},
		{Receiver{URL: Secret{File: shut}}, "", false, nil},
		{Receiver{URL: Secret{File: open}}, "", false, []string{"receiver chat: others can read the secret in " + open + " (mode 0644); chmod 600 " + open}},
		{Receiver{URL: Secret{File: empty}}, "receiver chat: " + empty + " is empty", true, nil},
		{Receiver{URL: Secret{File: dir + "/none"}}, "receiver chat: there is no file " + dir + "/none", true, nil},
		{Receiver{URL: Secret{Env: "NONE"}}, "receiver chat: the environment has no NONE", true, nil},
		{Receiver{URL: Secret{Env: "BLANK"}}, "receiver chat: the environment has no BLANK", true, nil},
		{Receiver{}, "receiver chat: want one of url_env, url_file and sms", false, nil},
		{Receiver{URL: Secret{"OK", shut}}, "receiver chat: want one of url_env, url_file and sms", false, nil},
		{Receiver{URL: Secret{Env: "OK"}, SMS: &SMS{}}, "receiver chat: has a URL and sms, and can be only one of them", false, nil},
		{Receiver{URL: Secret{Env: "MATRIX"}}, "receiver chat: the URL in $MATRIX: matrix is no service that can be told; there are " + strings.Join(Kinds(), ", "), false, nil},
		{Receiver{URL: Secret{Env: "PLAIN"}}, "receiver chat: the URL in $PLAIN: for a webhook of your own write generic+https://…", false, nil},
		{Receiver{URL: Secret{Env: "NOURL"}}, "receiver chat: $NOURL is not a URL such as slack://hook:TOKEN@webhook", false, nil},
		{Receiver{URL: Secret{Env: "BROKEN"}}, "receiver chat: $BROKEN is not a URL such as slack://hook:TOKEN@webhook", false, nil},
		{Receiver{URL: Secret{Env: "SHORT"}}, "receiver chat: the URL in $SHORT: invalid slack token format", false, nil},
		{Receiver{URL: Secret{Env: "MAIL"}}, "receiver chat: the URL in $MAIL: toAddress missing from config URL", false, nil},
		{Receiver{URL: Secret{Env: "BADMAIL"}}, `receiver chat: the URL in $BADMAIL: "s3" is no mail address`, false, nil},
		{Receiver{URL: Secret{Env: "PAGER"}}, "receiver chat: the URL in $PAGER: want pagerduty:///KEY, with an integration key of 32 letters and digits", false, nil},
		{Receiver{URL: Secret{Env: "PAGERSET"}}, "receiver chat: the URL in $PAGERSET: pagerduty has no setting sevrity; there are client, client_url, severity, source", false, nil},
		{Receiver{URL: Secret{Env: "PLUS"}}, "receiver chat: the URL in $PLUS: this service takes no address with a +", false, nil},
		{Receiver{SMS: &SMS{}}, "receiver chat: sms: account_sid_env is missing", false, nil},
		{Receiver{SMS: &SMS{AccountSID: Secret{Env: "SID"}, AuthToken: Secret{Env: "NONE"}}}, "receiver chat: the environment has no NONE", true, nil},
		{Receiver{SMS: &SMS{AccountSID: Secret{File: open}, AuthToken: Secret{File: empty}}}, "receiver chat: " + empty + " is empty", true, []string{"receiver chat: others can read the secret in " + open + " (mode 0644); chmod 600 " + open}},
		{Receiver{SMS: &SMS{AccountSID: Secret{Env: "SID"}, AuthToken: Secret{Env: "SID"}, From: "+15550100", To: []string{"5550100"}}}, `receiver chat: sms: "5550100" is no telephone number such as +14155550100`, false, nil},
	} {
		c.r.Name = "chat"
		_, warnings, err := Open(c.r, vars)
		got := ""
		if err != nil {
			got = err.Error()
		}
		var unset *Unset
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" || errors.As(err, &unset) != c.unset || strings.Contains(got, "s3cret") {
			t.Errorf("%+v: %q, want %q", c.r, got, c.want)
		}
		if d := cmp.Diff(c.warnings, warnings); d != "" {
			t.Error(d)
		}
	}
}

func TestFromWebhook(t *testing.T) {
	for raw, want := range map[string]string{
		"https://hooks.slack.com/services/T1/B2/c3":                  "slack://hook:T1-B2-c3@webhook",
		"https://open.feishu.cn/open-apis/bot/v2/hook/01-23":         "lark://open.feishu.cn/01-23",
		"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=ab-cd": "wecom://ab-cd",
		"https://discord.com/api/webhooks/123/tok":                   "discord://tok@123",
		"https://hooks.slack.com/services/T1":                        "https://hooks.slack.com/services/T1",
		"https://example.test/services/T1/B2/c3":                     "https://example.test/services/T1/B2/c3",
		"slack://hook:T1-B2-c3@webhook":                              "slack://hook:T1-B2-c3@webhook",
		"%zz":                                                        "%zz",
	} {
		if got := fromWebhook(raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

// Whatever a server repeats of a request, and however the request fails, no secret of a
// channel reaches a result.
func TestNoSecretIsShown(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	random := func(alphabet string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(b)
	}
	const (
		hex   = "0123456789abcdef"
		upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		word  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		every = word + "!$*'()+&?#%/ \"<>"
	)
	failures := []func(*http.Request) (*http.Response, error){
		func(r *http.Request) (*http.Response, error) { return nil, fmt.Errorf("dial %s: refused", r.URL) },
		func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: io.EOF}
		},
		func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			return reply(403, r.URL.String()+" "+r.URL.Path+" "+string(body)+fmt.Sprint(r.Header)), nil
		},
		func(r *http.Request) (*http.Response, error) {
			data, _ := json.Marshal(map[string]any{"message": "no " + r.Header.Get("Authorization") + r.URL.RawQuery, "errmsg": r.URL.String(), "errcode": 1, "code": 1, "msg": r.URL.Path, "ok": false, "error": r.Header.Get("Authorization")})
			return reply(200+200*int(r.ContentLength%2), string(data), "Content-Type", "application/json"), nil
		},
	}
	for round := range 60 {
		password, token := random(every, 8), random(word, 24)
		h := random(hex, 32)
		uuid := fmt.Sprintf("%s-4444-4444-8444-%s", random(hex, 8), random(hex, 12))
		p1, p2 := random(upper, 9), random(upper, 9)
		user := url.UserPassword("someone", password).String()
		cases := map[string][]string{
			"slack://hook:" + p1 + "-" + p2 + "-" + token + "@webhook":        {p1, p2, token},
			"slack://xoxb:" + p1 + "-" + p2 + "-" + token + "@C0123":          {p1, p2, token},
			"slack://" + p1 + "/" + p2 + "/" + token:                          {p1, p2, token},
			"https://hooks.slack.com/services/" + p1 + "/" + p2 + "/" + token: {p1, p2, token},
			"lark://open.feishu.cn/" + token + "?secret=" + h:                 {token, h},
			"wecom://" + token: {token},
			"generic://hook.test/a/" + token + "?key=" + h + "&@Authorization=Bearer+" + p1: {token, h, p1},
			"discord://" + token + "@" + p1:                                                                          {token},
			"telegram://123456789:" + random(word, 35) + "@telegram?chats=@ops":                                      nil,
			"pagerduty://" + token + p1[:8]:                                                                          {token + p1[:8]},
			"pagerduty://events.pagerduty.com/" + h:                                                                  {h},
			"opsgenie://api.opsgenie.com/" + uuid:                                                                    {uuid, uuid[24:]},
			"ntfy://" + user + "@ntfy.sh/topic":                                                                      {password},
			"mattermost://mattermost.test/" + token:                                                                  {token},
			"rocketchat://rocket.test/" + token + "/" + h:                                                            {token, h},
			"pushover://shoutrrr:" + token + "@" + h + "/":                                                           {token, h},
			"gotify://gotify.test/A" + random(word, 14):                                                              nil,
			"googlechat://chat.googleapis.com/v1/spaces/FOO/messages?key=" + token + "&token=" + h:                   {token, h},
			"bark://:" + token + "@bark.test/":                                                                       {token},
			"zulip://" + user + "@zulip.test?stream=a":                                                               {password},
			"signal://" + user + "@signal.test:443/+14155550100/+14155550101":                                        {password},
			"teams://" + uuid + "@" + uuid + "/" + h + "/" + uuid + "/" + token + "?host=outlook.webhook.office.com": {h, token},
			"nosuch://" + user + "@" + token + "/" + h:                                                               {password, token, h},
			"smtp://" + user + "@127.0.0.1:1/?from=a@b.test&to=c@d.test&auth=" + "Plain":                             {password},
			"smtp://" + user + "@127.0.0.1:1/?from=a@b.test":                                                         {password},
		}
		for address, secrets := range cases {
			ch, _, err := Open(Receiver{Name: "r", URL: Secret{Env: "U"}}, env("U", address))
			if err == nil {
				client := &http.Client{Transport: trip(failures[round%len(failures)])}
				err = Send(t.Context(), []Delivery{{ch, group(latency("a", 1, "10:00:00", ""))}}, Options{Client: client, Tries: 1})[0].Err
			}
			if err == nil {
				continue // a 200 that the service did not look into
			}
			if secrets = append(slices.Clone(secrets), address); strings.HasPrefix(address, "gotify") {
				secrets = append(secrets, address[len("gotify://gotify.test/"):])
			} else if strings.HasPrefix(address, "telegram") {
				secrets = append(secrets, address[len("telegram://123456789:"):len(address)-len("@telegram?chats=@ops")])
			}
			for _, s := range secrets {
				for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
					if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), form) {
						t.Fatalf("%s\nshows %q:\n%#v", address, s, err)
					}
				}
			}
		}
	}
}

// Twilio's account and token are not shown either, nor the header that they are sent in.
func TestNoSecretOfSMSIsShown(t *testing.T) {
	secrets := []string{"AC0123456789", "t0p+s3cret/token"}
	ch, _, err := Open(Receiver{Name: "r", SMS: &SMS{AccountSID: Secret{Env: "SID"}, AuthToken: Secret{Env: "TOKEN"}, From: "+14155550100", To: []string{"+14155550101"}}},
		env("SID", secrets[0], "TOKEN", secrets[1]))
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, url.QueryEscape(secrets[1]), base64.StdEncoding.EncodeToString([]byte(secrets[0]+":"+secrets[1])))
	client := &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
		return reply(403, r.URL.String()+" "+strings.Join(secrets, " ")+" "+fmt.Sprint(r.Header)), nil
	})}
	err = Send(t.Context(), []Delivery{{ch, group(latency("a", 1, "10:00:00", ""))}}, Options{Client: client, Tries: 1})[0].Err
	for _, s := range secrets {
		if err == nil || strings.Contains(err.Error(), s) {
			t.Errorf("shows %q: %v", s, err)
		}
	}
}
