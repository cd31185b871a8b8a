package gpu

import (
	"net/url"
	"strings"
	"unicode"
)

// longestCommand is what is kept of a command line.
const longestCommand = 300

// struck stands for a secret.
const struck = "***"

// command is a command line from /proc with its secrets struck out: the value
// of a flag or variable whose last word is that of a secret, and the password
// of a URL.
func command(raw []byte) string {
	args := strings.Split(strings.TrimRight(string(raw), "\x00"), "\x00")
	hideNext := false
	for i, a := range args {
		name, _, assigned := strings.Cut(a, "=")
		switch {
		case hideNext && !strings.HasPrefix(a, "--"):
			args[i], hideNext = struck, false
			continue
		case assigned && secretName(name):
			args[i] = name + "=" + struck
		case strings.Contains(a, "://"):
			args[i] = withoutPassword(a)
		}
		hideNext = !assigned && strings.HasPrefix(a, "-") && secretName(a)
		args[i] = clean(args[i])
	}
	line := strings.Join(args, " ")
	if len(line) > longestCommand {
		line = strings.ToValidUTF8(line[:longestCommand], "") + "…"
	}
	return line
}

// secretName tells --api-key and HF_TOKEN from --max-tokens and --tokenizer.
func secretName(name string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "key", "keys", "apikey", "token", "secret", "password", "passwd", "passphrase", "credential", "credentials":
		return true
	}
	return false
}

func withoutPassword(a string) string {
	head, rest := "", a
	if name, value, ok := strings.Cut(a, "="); ok && !strings.Contains(name, "://") {
		head, rest = name+"=", value
	}
	u, err := url.Parse(rest)
	if err != nil || u.User == nil {
		if err != nil && strings.Contains(rest, "@") {
			return head + struck
		}
		return a
	}
	before, after, _ := strings.Cut(rest, "://")
	_, after, _ = strings.Cut(after, "@")
	return head + before + "://" + struck + "@" + after
}

// clean drops what would move the cursor of a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
}

// container finds the id of a container, and of a Kubernetes pod, in the text
// of /proc/PID/cgroup: the 64 hex digits that Docker, containerd, CRI-O and
// Podman all put at the end of the path.
func container(groups string) (id, pod string) {
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		for step := range strings.SplitSeq(parts[2], "/") {
			step = strings.TrimSuffix(strings.TrimSuffix(step, ".scope"), ".slice")
			if tail := step[strings.LastIndexAny(step, "-:")+1:]; len(tail) == 64 && isHex(tail) {
				id = tail
			}
			if i := strings.LastIndex(step, "pod"); i >= 0 && (i == 0 || step[i-1] == '-') {
				if uid := strings.ReplaceAll(step[i+3:], "_", "-"); len(uid) == 36 && isHex(strings.ReplaceAll(uid, "-", "")) {
					pod = uid
				}
			}
		}
	}
	return id, pod
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}

// plural is the end of a word that stands behind n.
func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
