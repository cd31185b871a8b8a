package notify

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// maxSecret is the most that is read of a file, in bytes.
const maxSecret = 64 << 10

// read reads a secret of a receiver. The warnings are about files that others may read.
func (s Secret) read(receiver string, env Lookup) (text string, warnings []string, err error) {
	if s.Env != "" {
		text, err := variable(receiver, s.Env, env)
		return text, nil, err
	}
	f, err := os.Open(s.File)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, &Unset{receiver, "there is no file " + s.File}
	} else if err != nil {
		return "", nil, fmt.Errorf("receiver %s: %w", receiver, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		warnings = append(warnings, fmt.Sprintf("receiver %s: others can read the secret in %s (mode %04o); chmod 600 %[2]s", receiver, s.File, info.Mode().Perm()))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return "", warnings, fmt.Errorf("receiver %s: %w", receiver, err)
	}
	if text = strings.TrimSpace(string(data)); text == "" {
		return "", warnings, &Unset{receiver, s.File + " is empty"}
	}
	return text, warnings, nil
}

// variable reads one of the environment.
func variable(receiver, name string, env Lookup) (string, error) {
	value, _ := env(name)
	if value = strings.TrimSpace(value); value == "" {
		return "", &Unset{receiver, "the environment has no " + name}
	}
	return value, nil
}

// secretsOf is what must not be shown of a service URL, the longest first. Which part
// holds the secret differs from service to service, so it is all of them, but for the
// names of servers and the addresses of mail.
func secretsOf(u *url.URL, raw string) []string {
	const shortest = 6 // shorter parts are words such as "hook"
	set := map[string]bool{raw: true, u.String(): true}
	var add func(s string, least int)
	add = func(s string, least int) {
		if len(s) < least {
			return
		}
		inJSON, _ := json.Marshal(s) // never fails for text
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s)), unquoted(strconv.Quote(s)), unquoted(string(inJSON))} {
			set[form] = true
		}
		parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("-/:,; @.", r) })
		for _, part := range parts {
			if part != s {
				add(part, max(least, shortest))
			}
		}
	}
	if u.User != nil {
		password, ok := u.User.Password()
		if ok {
			add(password, 1)
			set[base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))] = true
		}
		if u.Scheme != "smtp" {
			add(u.User.Username(), shortest)
			add(u.User.String(), shortest)
		}
	}
	if u.Scheme == "smtp" {
		return longestFirst(set)
	}
	add(u.Path, shortest)
	for key, values := range u.Query() {
		if u.Scheme == "teams" && key == "host" {
			continue
		}
		for _, v := range values {
			add(v, shortest)
		}
	}
	if slices.Contains([]string{"discord", "pushover", "teams", "wecom"}, u.Scheme) || u.Scheme == "slack" && len(u.Path) > 1 || u.Scheme == "pagerduty" && len(u.Path) < 2 {
		add(u.Host, shortest) // it is no server there
	}
	return longestFirst(set)
}

func unquoted(s string) string { return s[1 : len(s)-1] }

func longestFirst(set map[string]bool) []string {
	var list []string
	for s := range set {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return list
}
