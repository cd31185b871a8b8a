package serving

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"llmops/probes/snapshot"
)

// Settings of one server are bounded, whatever it says.
const (
	maxSettings = 400
	maxKey      = 80  // bytes
	maxValue    = 240 // bytes; what is longer, such as a template, stands as its hash
)

// settings adds the members of a JSON object that are scalars or lists of such. What is
// nested is left out: engines keep their state there.
func (t *Target) settings(s *snapshot.Server, prefix string, object map[string]json.RawMessage, without ...string) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if slices.Contains(without, key) {
			continue
		}
		var list []json.RawMessage
		if raw := object[key]; json.Unmarshal(raw, &list) != nil {
			t.setting(s, prefix+key, text(raw))
			continue
		}
		values := make([]string, len(list))
		for i, raw := range list {
			values[i] = text(raw)
		}
		t.add(s, prefix+key, strings.Join(values, ", "), values...)
	}
}

// labelled adds the labels of the metrics that exist for their labels.
func (t *Target) labelled(e *engine, p page, s *snapshot.Server) {
	values := map[string][]string{}
	for _, m := range e.config {
		found, _, _ := p.find([]metric{m})
		for _, x := range found {
			for name, value := range x.labels.Map() {
				if name != e.rank && !slices.Contains(e.models, name) && !slices.Contains([]string{"__name__", "instance_id"}, name) {
					values[name] = append(values[name], value)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		t.setting(s, name, values[name]...)
	}
}

// setting adds one setting; where ranks or models differ in it, all its values.
func (t *Target) setting(s *snapshot.Server, key string, values ...string) {
	slices.Sort(values)
	values = slices.Compact(values)
	t.add(s, key, strings.Join(slices.DeleteFunc(slices.Clone(values), unset), ", "), values...)
}

// add is the one way into a server's settings. Nothing that may be a secret passes: no
// key that sounds like one, and none of parts if it looks like one.
func (t *Target) add(s *snapshot.Server, key, value string, parts ...string) {
	shown := t.client.clean(key)
	switch {
	case unset(value), shown == "", len(shown) > maxKey, len(s.Config) >= maxSettings:
		return
	case secretKey(key, value), secretValue("", key):
		return
	case len(value) > maxValue:
		value = fmt.Sprintf("%d bytes, sha256 %.6x", len(value), sha256.Sum256([]byte(value)))
	case secretValue(key, value), slices.ContainsFunc(parts, func(part string) bool { return secretValue(key, part) }):
		return
	}
	if s.Config == nil {
		s.Config = map[string]string{}
	}
	s.Config[shown] = t.client.clean(value)
}

// unset tells values that stand for none, in JSON and in Python.
func unset(value string) bool {
	return slices.Contains([]string{"", "null", "None", "[]", "{}"}, strings.TrimSpace(value))
}

// text is a JSON scalar as people write it; "" is none, and what is no scalar.
func text(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null" {
		return ""
	}
	var s string
	if raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

var (
	number  = regexp.MustCompile(`^-?[0-9]{1,12}(\.[0-9]*)?$`)
	flag    = regexp.MustCompile(`^(?i:true|false)$`)
	hex     = regexp.MustCompile(`^[0-9a-f]+$`)
	unlike  = regexp.MustCompile(`(?i)(sha|digest|commit|revision|hash)`)
	secrets = []string{
		"secret", "passw", "passphrase", "credential", "authoriz", "oauth", "apitoken", "accesstoken", "authtoken", "hftoken",
		"apikey", "accesskey", "authkey", "accountkey", "sharedkey", "privatekey", "signingkey", "encryptionkey", "masterkey", "licensekey",
	}
	words = []string{"key", "keys", "keyfile", "keyring", "auth", "bearer", "cookie", "cookies", "jwt", "sas", "pwd", "pass", "pin", "dsn", "header", "headers", "env", "environ", "environment", "signature", "webhook"}

	// What providers begin their keys with, what names a secret within a text, and URLs
	// that carry one.
	known = regexp.MustCompile(`(?i)(\b(sk|pk|rk|gsk|glpat|nvapi|xox[a-z])[-_][0-9a-z_-]{8}|\b(hf|npm|gh[opsu]|github_pat)_[0-9a-z]{16}|\bA[KS]IA[0-9A-Z]{12}|\bAIza[0-9a-z_-]{20}|\beyJ[0-9a-z_-]{8}|-----BEGIN|\b(bearer|basic)\s+\S|(api|access|account|shared|private)[-_ ]?key|[-_]token\b|\btoken\b|secret|passw|credential|authorization|://[^/\s]*@|://\S*[?#])`)
	// A user with a password before a host, without the scheme that known looks for.
	login = regexp.MustCompile(`[^\s/:@]+:[^\s/@]+@[0-9A-Za-z\[]`)
	run   = regexp.MustCompile(`[0-9A-Za-z+=]{20,}`)
)

// secretKey tells keys that name a secret. Numbers of tokens are none.
func secretKey(key, value string) bool {
	plain := strings.ToLower(key)
	if flag.MatchString(value) {
		return false
	}
	if slices.ContainsFunc(secrets, func(s string) bool {
		return strings.Contains(strings.NewReplacer("_", "", "-", "", ".", "").Replace(plain), s)
	}) {
		return true
	}
	for _, word := range split(key) {
		if slices.Contains(words, word) || word == "token" && !number.MatchString(value) {
			return true
		}
	}
	return false
}

// split cuts a key into its words: hf_token, hf-token, hfToken.
func split(key string) []string {
	var b strings.Builder
	lower := false
	for _, r := range key {
		if unicode.IsUpper(r) && lower {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r)
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			r = ' '
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(b.String())
}

// secretValue tells values that look like a secret: drawn at random, or known by how
// they begin. It errs on that side; checksums are told by their key.
func secretValue(key, value string) bool {
	if known.MatchString(value) || login.MatchString(strings.ReplaceAll(value, "@sha256:", " ")) { // images have a tag there
		return true
	}
	for _, part := range run.FindAllString(value, -1) {
		if hex.MatchString(part) && unlike.MatchString(key) || number.MatchString(part) {
			continue
		}
		if random(part) {
			return true
		}
	}
	return false
}

// random tells a run that nobody would say: with many digits, or changing between
// capitals, small letters and digits in half of its places, where letters and
// digits drawn at random do so in two of three.
func random(part string) bool {
	class := func(r rune) int {
		switch {
		case unicode.IsDigit(r):
			return 0
		case unicode.IsUpper(r):
			return 1
		}
		return 2
	}
	digits, turns, was := 0, 0, -1
	for _, r := range part {
		is := class(r)
		if is == 0 {
			digits++
		}
		if is != was {
			turns++
		}
		was = is
	}
	return digits >= 6 || 2*turns >= len(part)
}
