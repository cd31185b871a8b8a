package pushdown

import "strings"

// A dimension finds a key of a contributor in labels.
type dimension struct {
	name   string   // as budget.Share has it
	labels []string // the first of them that a series has
	status bool     // they hold a status, or a class of them: only those of failures are keys
}

const keyDimension = 4

// dimensions are the labels that engines and gateways use.
var dimensions = [...]dimension{
	{name: "error", labels: []string{"status_code", "status", "envoy_response_code", "code", "http_status_code", "http_response_status_code"}, status: true},
	{name: "error", labels: []string{"err", "error_type", "exception_class"}},
	{name: "model", labels: []string{"model_name", "model", "requested_model", "gen_ai_request_model"}},
	{name: "route", labels: []string{"handler", "endpoint", "route", "path", "http_route"}},
	keyDimension: {name: "key", labels: []string{"api_key_alias", "team_alias", "end_user", "user"}},
}

func (d dimension) key(labels map[string]string) string {
	for _, name := range d.labels {
		v := labels[name]
		switch {
		case v == "":
			continue
		case !d.status:
			return v
		case failure(v):
			return "http_" + v
		}
		return ""
	}
	return ""
}

// failure tells whether a label says 503 or 5xx.
func failure(status string) bool {
	if len(status) != 3 || status[0] != '4' && status[0] != '5' {
		return false
	}
	return status[1:] == "xx" || strings.Trim(status[1:], "0123456789") == ""
}
