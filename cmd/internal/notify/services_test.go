package notify

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// addresses has a service URL of each kind, and the host that it leads to.
func addresses() map[string][2]string {
	hex := strings.Repeat("a1b2c3d4", 4)
	uuid := "11111111-4444-4444-8444-cccccccccccc"
	return map[string][2]string{
		"bark":       {"bark://:devicekey123@bark.test/", "bark.test"},
		"discord":    {"discord://t0kent0ken@1234567890", "discord.com"},
		"generic":    {"generic://hook.test/alerts/s3cretpath", "hook.test"},
		"googlechat": {"googlechat://chat.googleapis.com/v1/spaces/FOO/messages?key=k3yk3yk3y&token=t0kent0ken", "chat.googleapis.com"},
		"gotify":     {"gotify://gotify.test/Aaa.bbb.ccc.ddd", "gotify.test"},
		"lark":       {"lark://open.feishu.cn/0123-4567-89ab", "open.feishu.cn"},
		"mattermost": {"mattermost://mattermost.test/t0kent0ken", "mattermost.test"},
		"ntfy":       {"ntfy://user:passw0rd@ntfy.sh/topic", "ntfy.sh"},
		"opsgenie":   {"opsgenie://api.opsgenie.com/" + uuid, "api.opsgenie.com"},
		"pagerduty":  {"pagerduty://events.pagerduty.com/" + hex, "events.pagerduty.com"},
		"pushover":   {"pushover://shoutrrr:apitoken12@userkey123/", "api.pushover.net"},
		"rocketchat": {"rocketchat://rocket.test/t0kenA123/t0kenB456", "rocket.test"},
		"signal":     {"signal://user:passw0rd@signal.test:443/+14155550100/+14155550101", "signal.test"},
		"slack":      {"slack://hook:T12345678-B12345678-abcdefghijklmnopqrstuvwx@webhook", "hooks.slack.com"},
		"teams":      {"teams://" + uuid + "@" + uuid + "/" + hex + "/" + uuid + "/V2abcdefgh?host=outlook.webhook.office.com", "outlook.webhook.office.com"},
		"telegram":   {"telegram://123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@telegram?chats=@ops", "api.telegram.org"},
		"wecom":      {"wecom://0123abcd-89ab", "qyapi.weixin.qq.com"},
		"zulip":      {"zulip://bot%40zulip.test:k3yk3yk3y@zulip.test?stream=ops&topic=alerts", "zulip.test"},
	}
}

// Every kind delivers with one request, over TLS that is verified, and says the title,
// the summary and each alert.
func TestEveryService(t *testing.T) {
	n := newInternet(t, welcome)
	var deliveries []Delivery
	m := group(latency("a", 2.3125, "10:15:00", ""), latency("b", 3, "10:15:00", ""))
	for kind, address := range addresses() {
		ch := channel(t, kind, address[0])
		if ch.Kind != kind {
			t.Errorf("%s is %s", kind, ch.Kind)
		}
		deliveries = append(deliveries, Delivery{ch, m})
	}
	for _, kind := range Kinds() {
		if _, ok := addresses()[kind]; !ok && kind != "smtp" {
			t.Errorf("%s is not tested", kind)
		}
	}
	for _, r := range Send(t.Context(), deliveries, Options{Client: n.client, Tries: 1}) {
		if r.Err != nil || r.Tries != 1 {
			t.Error(r.Err)
			continue
		}
		s := n.one(addresses()[r.Channel.Kind][1])
		all := s.Body + s.Header.Get("Title")
		if f := form(t, all); r.Channel.Kind == "pushover" || r.Channel.Kind == "zulip" {
			all = f.Get("title") + f.Get("message") + f.Get("content")
		}
		for _, want := range []string{"[FIRING:2] HighLatency (critical)", "p95 latency is above 2 s", "replica=a", "replica=b", "2.3125"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s has no %q: %s", r.Channel.Kind, want, all)
			}
		}
	}
	// Nobody else trusts those certificates.
	r := tell(t, channel(t, "chat", addresses()["slack"][0]), m, Options{Client: &http.Client{Transport: &http.Transport{DialContext: n.client.Transport.(*http.Transport).DialContext}}})
	if r.Err == nil || r.Tries != 1 || !strings.Contains(r.Err.Error(), "certificate") {
		t.Errorf("%v after %d tries", r.Err, r.Tries)
	}
}

// What happens to one message is never taken for what happened to another, however many
// are under way: each host answers with a status of its own, and in its own time.
func TestEachItsOwnOutcome(t *testing.T) {
	status := map[string]int{}
	for i, h := range hosts() {
		status[h] = 200
		if i%4 != 0 {
			status[h] = 440 + i
		}
	}
	n := newInternet(t, func(w http.ResponseWriter, s seen) {
		host, _, _ := strings.Cut(s.Host, ":")
		time.Sleep(time.Duration(len(s.Body)%7) * time.Millisecond)
		if status[host] == 200 {
			s.Host = host
			welcome(w, s)
			return
		}
		w.WriteHeader(status[host])
		fmt.Fprintf(w, `{"message":"no from %s"}`, host)
	})
	var deliveries []Delivery
	for kind, address := range addresses() {
		for i := range 5 {
			deliveries = append(deliveries, Delivery{channel(t, fmt.Sprint(kind, i), address[0]), group(latency(strings.Repeat("x", i), 1, "10:00:00", ""))})
		}
	}
	for i, r := range Send(t.Context(), deliveries, Options{Client: n.client}) {
		if r.Channel != deliveries[i].Channel {
			t.Fatal("the results are not in order")
		}
		host := addresses()[r.Channel.Kind][1]
		e, _ := r.Err.(*Error)
		switch want := status[host]; {
		case want == 200 && r.Err != nil, want != 200 && (e == nil || e.Status != want || !strings.Contains(e.Error(), host)):
			t.Errorf("%s: %v, want %d", r.Channel.Kind, r.Err, want)
		}
	}
}

func TestSlack(t *testing.T) {
	n := newInternet(t, welcome)
	a := latency("a", 3, "10:15:00", "")
	a.Annotations["summary"] = "p95 < 2 s & rising, <!channel>"
	for _, address := range []string{addresses()["slack"][0], "https://hooks.slack.com/services/T12345678/B12345678/abcdefghijklmnopqrstuvwx"} {
		n.seen = nil
		if r := tell(t, channel(t, "chat", address), group(a), Options{Client: n.client, Agent: "llmops/1"}); r.Err != nil {
			t.Fatal(r.Err)
		}
		s := n.one("hooks.slack.com")
		var lines []string
		for _, a := range s.json(t)["attachments"].([]any) {
			lines = append(lines, a.(map[string]any)["text"].(string))
		}
		want := []string{"p95 &lt; 2 s &amp; rising, &lt;!channel&gt;", "model=llama replica=a", "- value 3, since 2026-03-02 10:15:00 UTC", "runbook: https://runbooks.test/latency"}
		if d := cmp.Diff(want, lines); d != "" || s.Path != "/services/T12345678/B12345678/abcdefghijklmnopqrstuvwx" || s.json(t)["text"] != "[FIRING:1] HighLatency (critical)" || s.Header.Get("User-Agent") != "llmops/1" {
			t.Error(d, s)
		}
	}
}

// Services that answer 200 and mean no.
func TestPoliteRefusals(t *testing.T) {
	n := newInternet(t, func(w http.ResponseWriter, s seen) {
		switch s.Host {
		case "open.feishu.cn":
			_, _ = io.WriteString(w, `{"code":19001,"msg":"param invalid"}`)
		case "qyapi.weixin.qq.com":
			_, _ = io.WriteString(w, `{"errcode":93000,"errmsg":"invalid webhook url"}`)
		case "slack.com":
			_, _ = io.WriteString(w, `{"ok":false,"error":"channel_not_found"}`)
		}
	})
	for address, want := range map[string]string{
		"lark://open.feishu.cn/0123-4567-89ab": "code 19001: param invalid",
		"wecom://0123abcd-89ab":                "code 93000: invalid webhook url",
		"slack://xoxb:123456789012-1234567890123-4mt0t4l1yL3g1T5L4cK70k3N@C001CH4NN3L": "channel_not_found",
	} {
		r := tell(t, channel(t, "chat", address), group(latency("a", 3, "10:15:00", "")), Options{Client: n.client, Jitter: steady})
		if r.Err == nil || r.Tries != 1 || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%v after %d tries, want %s", r.Err, r.Tries, want)
		}
	}
}

func TestWebhook(t *testing.T) {
	n := newInternet(t, welcome)
	m := group(latency("a", 3, "10:15:00", ""))
	for _, address := range []string{"generic://hook.test/a?template=json&team=x", "generic+https://hook.test/a?template=json&team=x"} {
		n.seen = nil
		if r := tell(t, channel(t, "hook", address), m, Options{Client: n.client}); r.Err != nil {
			t.Fatal(r.Err)
		}
		s := n.one("hook.test")
		want := map[string]any{"title": m.Title(), "message": m.Body(16000), "status": "firing", "severity": "critical", "group_key": m.GroupKey}
		if d := cmp.Diff(want, s.json(t)); d != "" || s.Query != "team=x" || s.Path != "/a" {
			t.Error(d, s)
		}
	}
}

// One request a chat, and a chat that has the message does not get it again.
func TestTelegramChats(t *testing.T) {
	fail := true
	n := newInternet(t, welcome)
	n.answer = func(w http.ResponseWriter, s seen) {
		if fail && strings.Contains(s.Body, "@second") {
			fail = false
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		welcome(w, s)
	}
	address := addresses()["telegram"][0] + ",@second,@third"
	r := tell(t, channel(t, "chat", address), group(latency("a", 3, "10:15:00", "")), Options{Client: n.client, Jitter: func() float64 { return -0.49 }})
	var chats []string
	for _, s := range n.of("api.telegram.org") {
		chats = append(chats, s.json(t)["chat_id"].(string))
	}
	if d := cmp.Diff([]string{"@ops", "@second", "@second", "@third"}, chats); d != "" || r.Err != nil || r.Tries != 2 {
		t.Error(d, r.Err, r.Tries)
	}
}

// Telegram's library reports success when nothing could be reached, and Zulip's panics.
func TestNoNetwork(t *testing.T) {
	client := &http.Client{Transport: trip(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })}
	for kind, address := range addresses() {
		r := tell(t, channel(t, kind, address[0]), group(latency("a", 3, "10:15:00", "")), Options{Client: client, Tries: 1})
		if r.Err == nil || !strings.Contains(r.Err.Error(), "unexpected EOF") {
			t.Errorf("%s: %v", kind, r.Err)
		}
	}
	if _, ok := http.DefaultTransport.(*http.Transport); !ok {
		t.Error("the door still stands")
	}
}

func TestIncidents(t *testing.T) {
	n := newInternet(t, welcome)
	pager, genie := channel(t, "pager", addresses()["pagerduty"][0]), channel(t, "genie", addresses()["opsgenie"][0])
	firing, resolved := group(latency("a", 3, "10:15:00", "")), group(latency("a", 3, "10:15:00", "10:30:00"))
	for _, r := range Send(t.Context(), []Delivery{{pager, firing}, {pager, resolved}, {genie, firing}, {genie, resolved}}, Options{Client: n.client}) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	key := strings.Repeat("a1b2c3d4", 4)
	want := []map[string]any{
		{"routing_key": key, "event_action": "trigger", "dedup_key": firing.incident(), "client": "llmops",
			"payload": map[string]any{"summary": firing.Title(), "source": "llmops", "severity": "critical", "group": "alertname=HighLatency", "custom_details": map[string]any{"alerts": firing.Body(4000)}}},
		{"routing_key": key, "event_action": "resolve", "dedup_key": firing.incident(), "client": "llmops"},
	}
	genies, got := n.of("api.opsgenie.com"), n.of("events.pagerduty.com")
	if len(got) != 2 || got[0].Path != "/v2/enqueue" {
		t.Fatal(got)
	}
	if d := cmp.Diff(want, []map[string]any{got[0].json(t), got[1].json(t)}); d != "" {
		t.Error(d)
	}
	n.seen = nil
	for _, address := range []string{"pagerduty:///" + strings.Repeat("Z9", 16) + "?source=gpu-7&severity=info", "pagerduty://" + strings.Repeat("Z9", 16) + "?source=gpu-7&severity=info"} {
		if r := tell(t, channel(t, "pager", address), firing, Options{Client: n.client}); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	for _, s := range n.of("events.pagerduty.com") {
		if p := s.json(t)["payload"].(map[string]any); s.json(t)["routing_key"] != strings.Repeat("Z9", 16) || p["source"] != "gpu-7" || p["severity"] != "info" {
			t.Error(s.Body)
		}
	}
	for ours, theirs := range map[string]string{"critical": "critical", "Page": "critical", "error": "error", "warning": "warning", "info": "info", "none": "info", "": "error", "sev1": "error"} {
		if got := pagerDutySeverity(ours); got != theirs {
			t.Errorf("%s: %s", ours, got)
		}
	}
	if got = genies; len(got) != 2 || got[0].Path != "/v2/alerts" || got[0].json(t)["alias"] != firing.incident() || got[0].json(t)["message"] != firing.Title() ||
		got[1].Path != "/v2/alerts/"+firing.incident()+"/close" || got[1].Query != "identifierType=alias" || got[1].Header.Get("Authorization") != "GenieKey 11111111-4444-4444-8444-cccccccccccc" {
		t.Error(got)
	}
	n.answer = func(w http.ResponseWriter, _ seen) { w.WriteHeader(http.StatusNotFound) }
	if r := tell(t, genie, resolved, Options{Client: n.client}); r.Err != nil {
		t.Error("somebody closed it before: ", r.Err)
	}
	if r := tell(t, genie, firing, Options{Client: n.client}); r.Err == nil {
		t.Error("nothing was opened")
	}
	other := firing
	other.GroupKey += "x"
	if other.incident() == firing.incident() {
		t.Error("two groups have one incident")
	}
}

func TestSMS(t *testing.T) {
	n := newInternet(t, func(w http.ResponseWriter, s seen) {
		if strings.Contains(s.Body, "0666") {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"code":21211,"message":"The 'To' number +14155550666 is not a valid phone number.","status":400}`)
			return
		}
		welcome(w, s)
	})
	vars := env("SID", "AC0123456789", "TOKEN", "t0kent0ken", "TO", "+14155550100, +14155550666 +14155550101", "FROM", "MG123")
	m := group(latency("a", 3, "10:15:00", ""))
	ch, _, err := Open(Receiver{Name: "phone", SMS: &SMS{AccountSID: Secret{Env: "SID"}, AuthToken: Secret{Env: "TOKEN"}, From: "+14155550111", ToEnv: "TO"}}, vars)
	if err != nil {
		t.Fatal(err)
	}
	r := tell(t, ch, m, Options{Client: n.client})
	if e, _ := r.Err.(*Error); e == nil || e.Status != 400 || r.Tries != 1 || !strings.Contains(e.Error(), "+14155550666 is not a valid") {
		t.Error(r.Err)
	}
	got := n.of("api.twilio.com")
	if len(got) != 3 {
		t.Fatalf("%d requests", len(got))
	}
	if f := form(t, got[0].Body); got[0].Path != "/2010-04-01/Accounts/AC0123456789/Messages.json" || f.Get("To") != "+14155550100" || f.Get("From") != "+14155550111" || f.Get("Body") != m.Short() ||
		got[0].Header.Get("Authorization") != "Basic QUMwMTIzNDU2Nzg5OnQwa2VudDBrZW4=" {
		t.Error(got[0])
	}
	n.seen = nil
	ch, _, err = Open(Receiver{Name: "phone", SMS: &SMS{AccountSID: Secret{Env: "SID"}, AuthToken: Secret{Env: "TOKEN"}, FromEnv: "FROM", To: []string{"+14155550100"}}}, vars)
	if err != nil {
		t.Fatal(err)
	}
	if r := tell(t, ch, m, Options{Client: n.client}); r.Err != nil || form(t, n.one("api.twilio.com").Body).Get("MessagingServiceSid") != "MG123" {
		t.Error(r.Err)
	}
}

// A service that made a second request would be refused it, rather than be taken for
// another.
func TestDoorTakesOneRequest(t *testing.T) {
	d, shut := openDoor()
	defer shut()
	l := Options{Client: &http.Client{Transport: trip(func(*http.Request) (*http.Response, error) { return reply(200, ""), nil })}}.direct()
	p := &parcel{ctx: t.Context(), line: l}
	var errs [2]error
	_ = d.pass(t.Context(), p, func() error {
		for i := range errs {
			res, err := http.Get("https://hook.test")
			if errs[i] = err; err == nil {
				_ = res.Body.Close()
			}
		}
		return nil
	})
	if errs[0] != nil || errs[1] == nil || p.requests != 1 {
		t.Error(errs, p.requests)
	}
	done := false
	err := d.pass(t.Context(), p, func() error { done = true; return nil }) // the turn was handed on
	if err != nil || !done {
		t.Error(err, done)
	}
}
