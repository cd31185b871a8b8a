package api

import (
	"fmt"
	"net/url"
	"strings"
)

// Path is the URL that requests go to. base is what the user gave: the root of
// the server, its versioned root (http://host/v1), or the whole URL already.
// For OpenAI-like interfaces and Anthropic's, a base without any path gets /v1.
// A query string stays, a fragment goes.
func (a API) Path(base string, stream bool) (string, error) {
	u, err := parseBase(base)
	if err != nil {
		return "", err
	}
	want := a.whole
	if stream {
		want = a.stream
	}
	root, full := a.root(u.EscapedPath())
	if full && strings.HasSuffix(strings.TrimRight(u.EscapedPath(), "/"), want) {
		root = strings.TrimSuffix(strings.TrimRight(u.EscapedPath(), "/"), want)
	}
	return join(u, root+want)
}

// Models is the URL of the list of models, for a look at the server before the
// load test.
func (a API) Models(base string) (string, error) {
	u, err := parseBase(base)
	if err != nil {
		return "", err
	}
	root, _ := a.root(u.EscapedPath())
	return join(u, root+a.models)
}

// root is path without slashes at its end and without the path of a request,
// if it ends with one; full tells that it did.
func (a API) root(path string) (root string, full bool) {
	root = strings.TrimRight(path, "/")
	if root == "" {
		return a.version, false
	}
	for _, suffix := range [...]string{a.stream, a.whole} {
		if rest, ok := strings.CutSuffix(root, suffix); ok {
			return rest, true
		}
	}
	return root, false
}

func parseBase(base string) (*url.URL, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		shown := ""
		if !strings.ContainsAny(base, "@?") { // else it may hold a password or a key
			shown = fmt.Sprintf(" %q", base)
		}
		return nil, fmt.Errorf("URL of the server%s: give it as http://HOST:PORT or https://HOST, with a path if the server has one", shown)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// join sets the escaped path of u, and keeps its escapes as they were given.
func join(u *url.URL, escaped string) (string, error) {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return "", fmt.Errorf("URL of the server: %w", err)
	}
	u.Path, u.RawPath = path, escaped
	return u.String(), nil
}
