package render

import "regexp"

// Masked is the name of a series, or of what it is about, without what may be a secret:
// user and password in a URL, keys as providers write them, and the values of labels
// whose names say what they hold. A label such as token_type holds none.
func Masked(name string) string {
	name = userinfo.ReplaceAllString(name, "://redacted@")
	name = secretLabel.ReplaceAllString(name, `$1$2"redacted"`)
	return providerKey.ReplaceAllString(name, "${1}redacted")
}

var (
	userinfo    = regexp.MustCompile(`://[^/\s"'@]+@`)
	secretLabel = regexp.MustCompile(`(?i)\b((?:[a-z0-9_]+_)?(?:token|secret|passw(?:or)?d|api_?key|authorization))(=~?)"(?:[^"\\]|\\.)*"`)
	providerKey = regexp.MustCompile(`(?i)\b(sk-|hf_|ghp_|xoxb-|bearer )[A-Za-z0-9._-]{16,}`)
)
