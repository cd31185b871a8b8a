package routing

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// integrations are the channels of Alertmanager, and whether each tells by
// default that alerts are resolved.
func integrations() map[string]bool {
	return map[string]bool{
		"discord_configs": true, "email_configs": false, "incidentio_configs": true, "jira_configs": true,
		"mattermost_configs": true, "msteams_configs": true, "msteamsv2_configs": true, "opsgenie_configs": true,
		"pagerduty_configs": true, "pushover_configs": true, "rocketchat_configs": false, "slack_configs": false,
		"sns_configs": true, "telegram_configs": true, "victorops_configs": true, "webex_configs": true,
		"webhook_configs": true, "wechat_configs": false,
	}
}

func (r *reader) receivers(n *yaml.Node) []Receiver {
	var out []Receiver
	for _, item := range r.list(n, "receivers") {
		v := r.receiver(item)
		if v.Name != "" && slices.ContainsFunc(out, func(o Receiver) bool { return o.Name == v.Name }) {
			r.fail(item, "give each its own name", "two receivers are named %s", quote(v.Name))
		}
		out = append(out, v)
	}
	return out
}

func (r *reader) receiver(n *yaml.Node) Receiver {
	v := Receiver{Position: Position{n.Line, n.Column}}
	var resolved *bool
	theirs := false // whether an integration of Alertmanager tells of the end
	readers := map[string]func(*yaml.Node){
		"name":          func(n *yaml.Node) { v.Name, _ = r.text(n, "name") },
		"labels":        nil,
		"url":           func(n *yaml.Node) { r.literal(n, "url", "url_env: NAME, or url_file: PATH") },
		"url_env":       func(n *yaml.Node) { v.URL.Env = r.env(n, "url_env") },
		"url_file":      func(n *yaml.Node) { v.URL.File = r.path(n, "url_file") },
		"sms":           func(n *yaml.Node) { v.SMS = r.sms(n) },
		"send_resolved": func(n *yaml.Node) { resolved = new(r.boolean(n, "send_resolved")) },
	}
	known := integrations()
	for _, key := range slices.Sorted(maps.Keys(known)) {
		readers[key] = func(n *yaml.Node) {
			v.Integrations = append(v.Integrations, key)
			for _, item := range r.list(n, key) {
				theirs = r.sendsResolved(item, known[key]) || theirs
			}
		}
	}
	before := len(r.problems)
	r.fields(n, "the receiver", readers)
	if v.Name == "" && len(r.problems) == before {
		r.fail(n, "add name: NAME", "the receiver has no name")
	}
	if v.URL.Env != "" && v.URL.File != "" {
		r.fail(n, "keep one", "the receiver has url_env and url_file")
	}
	slices.Sort(v.Integrations)
	switch {
	case resolved != nil:
		v.SendResolved = *resolved
	case v.URL != Secret{} || v.SMS != nil:
		v.SendResolved = true
	default:
		v.SendResolved = theirs
	}
	return v
}

// sendsResolved looks at nothing else of an integration's settings.
func (r *reader) sendsResolved(n *yaml.Node, usual bool) bool {
	for _, e := range r.mapping(n, "the integration") {
		if e.key.Value == "send_resolved" && !null(e.value) {
			return r.boolean(e.value, "send_resolved")
		}
	}
	return usual
}

func (r *reader) sms(n *yaml.Node) *SMS {
	v := &SMS{}
	before := len(r.problems)
	r.fields(n, "sms", map[string]func(*yaml.Node){
		"account_sid":      func(n *yaml.Node) { r.literal(n, "account_sid", "account_sid_env: NAME") },
		"auth_token":       func(n *yaml.Node) { r.literal(n, "auth_token", "auth_token_env: NAME") },
		"account_sid_env":  func(n *yaml.Node) { v.AccountSID.Env = r.env(n, "account_sid_env") },
		"account_sid_file": func(n *yaml.Node) { v.AccountSID.File = r.path(n, "account_sid_file") },
		"auth_token_env":   func(n *yaml.Node) { v.AuthToken.Env = r.env(n, "auth_token_env") },
		"auth_token_file":  func(n *yaml.Node) { v.AuthToken.File = r.path(n, "auth_token_file") },
		"from":             func(n *yaml.Node) { v.From, _ = r.text(n, "from") },
		"from_env":         func(n *yaml.Node) { v.FromEnv = r.env(n, "from_env") },
		"to_env":           func(n *yaml.Node) { v.ToEnv = r.env(n, "to_env") },
		"to": func(n *yaml.Node) {
			if n.Kind == yaml.ScalarNode {
				v.To = []string{n.Value}
			} else {
				v.To = r.texts(n, "to")
			}
		},
	})
	if len(r.problems) > before {
		return v
	}
	for _, setting := range []struct {
		name   string
		places int
	}{
		{"account_sid", given(v.AccountSID.Env, v.AccountSID.File)},
		{"auth_token", given(v.AuthToken.Env, v.AuthToken.File)},
		{"from", given(v.From, v.FromEnv)},
		{"to", given(strings.Join(v.To, ","), v.ToEnv)},
	} {
		if setting.places != 1 {
			r.fail(n, "name the environment variable: "+setting.name+"_env: TWILIO_"+strings.ToUpper(setting.name),
				"sms needs %s, from one place", setting.name)
		}
	}
	return v
}

func given(values ...string) int {
	n := 0
	for _, v := range values {
		if v != "" {
			n++
		}
	}
	return n
}

// literal refuses a secret without repeating it.
func (r *reader) literal(n *yaml.Node, key, instead string) {
	r.fail(n, "put it into the environment or into a file, and name that: "+instead,
		"%s would be a secret in the file", key)
}

var (
	envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// Account SIDs, keys and tokens of Twilio, which could pass for names.
	twilioSecret = regexp.MustCompile(`^(AC|SK)?[0-9a-fA-F]{32}$`)
)

// env is the name of an environment variable. What is no such name may be the
// secret itself, and is not shown.
func (r *reader) env(n *yaml.Node, key string) string {
	s, ok := r.text(n, key)
	if ok && (!envName.MatchString(s) || twilioSecret.MatchString(s)) {
		r.fail(n, "name the variable only, such as "+key+": SLACK_URL, and keep the secret in it", "%s is no name of an environment variable", key)
		return ""
	}
	return s
}

func (r *reader) path(n *yaml.Node, key string) string {
	s, ok := r.text(n, key)
	if ok && (s == "" || strings.Contains(s, "://")) {
		r.fail(n, "write the secret into a file, and name its path here", "%s is no path of a file", key)
		return ""
	}
	return s
}
