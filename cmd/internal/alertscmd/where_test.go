package alertscmd

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestApart(t *testing.T) {
	l := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i+1 < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for name, c := range map[string]struct {
		labels []map[string]string
		want   []string
	}{
		"the first label that tells them":         {[]map[string]string{l("pod", "a", "instance", "x"), l("pod", "b", "instance", "y")}, []string{"pod=a", "pod=b"}},
		"two that tell them together":             {[]map[string]string{l("pod", "a", "zone", "1"), l("pod", "a", "zone", "2"), l("pod", "b", "zone", "1")}, []string{"pod=a zone=1", "pod=a zone=2", "pod=b zone=1"}},
		"one that lacks the label":                {[]map[string]string{l("pod", "a", "job", "x"), l("instance", "g", "job", "x")}, []string{"pod=a", "instance=g"}},
		"alone":                                   {[]map[string]string{l("job", "x", "pod", "a", "zone", "1")}, []string{"pod=a"}},
		"without labels":                          {[]map[string]string{l()}, []string{""}},
		"a part of something":                     {[]map[string]string{l("gpu", "0", "instance", "x")}, []string{"gpu=0 instance=x"}},
		"parts of the same thing":                 {[]map[string]string{l("gpu", "0", "instance", "x"), l("gpu", "1", "instance", "x")}, []string{"gpu=0 instance=x", "gpu=1 instance=x"}},
		"the same part of others":                 {[]map[string]string{l("gpu", "0", "instance", "x"), l("gpu", "0", "instance", "y")}, []string{"instance=x", "instance=y"}},
		"those of the rule are not what it is of": {[]map[string]string{l("team", "t", "zone", "1")}, []string{"zone=1"}},
	} {
		var list []labelled
		for _, labels := range c.labels {
			list = append(list, labelled{"A", labels, l("team", "t")})
		}
		if diff := cmp.Diff(c.want, apart(list)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	// Alerts of other names do not matter.
	if diff := cmp.Diff([]string{"pod=a", "pod=a"}, apart([]labelled{{"A", l("pod", "a"), nil}, {"B", l("pod", "a"), nil}})); diff != "" {
		t.Error(diff)
	}
}
