package snapshot

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServerFindings(t *testing.T) {
	servers := []Server{{URL: "http://a", Up: true}, {URL: "http://b"}, {URL: "http://c"}, {URL: "http://d"}}
	problems := []Problem{
		{Source: "http://a", What: "metrics", Status: Failed, Detail: "HTTP status 500"},
		{Source: "http://b", Status: Unavailable, Detail: "connection refused", Hint: "is it running?"},
		{Source: "http://b", What: "models", Status: Timeout},
		{Source: "http://c", Status: Timeout},
	}
	want := []Finding{
		{ID: "server_down", Severity: Critical, Entity: "server=http://b", Summary: "http://b does not answer", Why: "connection refused", Action: "is it running?"},
		{ID: "server_down", Severity: Critical, Entity: "server=http://c", Summary: "http://c does not answer", Why: "timeout"},
		{ID: "server_down", Severity: Critical, Entity: "server=http://d", Summary: "http://d does not answer"},
	}
	if diff := cmp.Diff(want, ServerFindings(servers, problems)); diff != "" {
		t.Error(diff)
	}
}
