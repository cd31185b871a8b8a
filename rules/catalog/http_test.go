package catalog

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What is whose fault is as llmops budget has it by default.
func TestAnswers(t *testing.T) {
	is := func(pattern, status string) bool {
		return regexp.MustCompile("^(?:" + strings.Trim(pattern, `"`) + ")$").MatchString(status)
	}
	excluded := []int{400, 401, 403, 404, 405, 413, 415, 422, 499}
	for status := 100; status < 600; status++ {
		s := strconv.Itoa(status)
		if is(callers, s) != slices.Contains(excluded, status) {
			t.Errorf("%s is the caller's mistake: %v", s, is(callers, s))
		}
		if is(failures, s) != (status >= 400) || is(timeouts, s) != (status == 408 || status == 504) || !is(codes, s) {
			t.Errorf("%s is a failure: %v, a time-out: %v", s, is(failures, s), is(timeouts, s))
		}
	}
	for _, class := range []string{"4", "4xx"} {
		if !is(callers, class) || is(codes, class) {
			t.Errorf("%s is a class of callers' mistakes", class)
		}
	}
	for class, want := range map[string]bool{"5": true, "5xx": true, "2": false, "2xx": false, "500 ": false, "50": false} {
		if is(failures, class) != want || is(callers, class) {
			t.Errorf("%q is a failure: %v", class, is(failures, class))
		}
	}
	if _, err := (answers{}).of("some"); err == nil {
		t.Error("nothing is called so")
	}
}

// An alias of one name means one thing, whatever prefix it comes with; where a metric
// can be computed of one series in several ways, they are about different ones of it.
func TestAliasesDiffer(t *testing.T) {
	c := load(t)
	means := map[string]string{}
	for _, m := range c.Metrics {
		ways := map[string]bool{}
		for _, a := range m.Aliases {
			system, _ := c.System(a.System)
			switch {
			case a.Expr != "" && ways[a.Expr]:
				t.Errorf("%s: %s stands twice", m.Name, a.Expr)
			case a.Expr != "":
				ways[a.Expr] = true
			case !a.Bare:
				for _, name := range system.Spellings(a.Name) {
					if other, twice := means[name]; twice {
						t.Errorf("%s is %s and %s", name, other, m.Name)
					}
					means[name] = m.Name
				}
			}
		}
	}
	if len(means) < 150 {
		t.Errorf("only %d names", len(means))
	}
}

func TestSpellings(t *testing.T) {
	c := load(t)
	vllm, _ := c.System("vllm")
	node, _ := c.System("node")
	for text, want := range map[string]string{
		"vllm:a":                  "vllm:a|vllm_a",
		"rate(vllm:a[5m])/vllm:b": "rate(vllm:a[5m])/vllm:b|rate(vllm_a[5m])/vllm_b",
		"http_requests_total":     "http_requests_total",
	} {
		if got := strings.Join(vllm.Spellings(text), "|"); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := node.Spellings("node_load1"); len(got) != 1 {
		t.Error(got)
	}
}

// A power of ten gives the number that one would write down.
func TestScale(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		whole, power := r.IntN(10_000_000), r.IntN(13)-6
		want, err := strconv.ParseFloat(fmt.Sprintf("%de%d", whole, power), 64)
		if err != nil {
			t.Fatal(err)
		}
		factor, _ := strconv.ParseFloat(fmt.Sprintf("1e%d", power), 64)
		if got := Scale(float64(whole), factor); got != want {
			t.Fatalf("%d times 1e%d is %v, want %v", whole, power, got, want)
		}
	}
	for _, x := range []struct {
		factor float64
		scaled string
		second string // of a name that is the same times the factor
	}{
		{1, "x", "m"}, {0.01, "x / 100", "m * 100"}, {1. / 60, "x / 60", "m * 60"}, {1 << 30, "x * 1073741824", "m / 1073741824"}, {0.3, "x * 0.3", "m / 0.3"}, {1e-6, "x / 1000000", "m * 1000000"},
	} {
		if got := Scaled("x", x.factor); got != x.scaled {
			t.Errorf("%v: %s, want %s", x.factor, got, x.scaled)
		}
		if got := (Metric{SameAs: "m", Factor: x.factor}).Formula(); got != x.second {
			t.Errorf("%v: %s, want %s", x.factor, got, x.second)
		}
	}
	if got := Scale(math.NaN(), 0.01); !math.IsNaN(got) {
		t.Error(got)
	}
}
