package loadtestcmd

import (
	"net/http"
	"strings"
	"testing"
)

// One of several servers is dead: the counts of the others are told, and which are not.
func TestCountsOfTheServersThatLive(t *testing.T) {
	live, dead := serve(t, engine(t)), serve(t, http.NotFoundHandler())
	gone := dead.URL
	dead.Close()
	s, _, _ := tested(t, live.URL, gone, "-n", "20", "-c", "2")
	x := s.Server
	if x == nil || x.Scrapes < 2 || x.ScrapesFailed != x.Scrapes || x.URL != live.URL || x.TTFT == nil || x.TTFT.Count != 10 || !strings.HasPrefix(x.NotMeasured, gone+": ") || x.ClientTTFT != nil || x.Disagreement != nil {
		t.Errorf("%+v", x)
	}
	s, _, _ = tested(t, gone, "-n", "2")
	if x := s.Server; x != nil && (x.Scrapes != 0 || x.ScrapesFailed < 2 || x.URL != gone || x.TTFT != nil || x.NotMeasured == "") {
		t.Errorf("%+v", x)
	}
}
