package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

var found = []Finding{
	{Check: "unit", Level: "error", File: "rules/a b.yaml", Line: 3, Column: 15, Message: "never true", Hint: "write 0.8"},
	{Check: "syntax", Level: "warning", File: "c:d.yaml", Message: "no place"},
	{Check: "unit", Level: "note", Message: "no file"},
}

// What the standard requires of a log (SARIF 2.1.0, sections 3.13, 3.14, 3.18, 3.19,
// 3.27, 3.28 and 3.30) is there.
func TestSARIF(t *testing.T) {
	var out bytes.Buffer
	if err := SARIF(&out, "llmops rules check", "1.0", []SARIFRule{{"unit", "units"}, {"never", "never"}}, found); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID               string
						ShortDescription struct{ Text string }
					}
				}
			}
			ColumnKind string
			Results    []struct {
				RuleID    string
				RuleIndex *int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine, StartColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.HasSuffix(log.Schema, "sarif-2.1.0.json") || len(log.Runs) != 1 {
		t.Fatalf("%+v", log)
	}
	run := log.Runs[0]
	if run.Tool.Driver.Name == "" || run.ColumnKind != "unicodeCodePoints" || len(run.Tool.Driver.Rules) != 3 {
		t.Errorf("%+v", run.Tool)
	}
	for i, r := range run.Results {
		if r.RuleIndex == nil || run.Tool.Driver.Rules[*r.RuleIndex].ID != r.RuleID || run.Tool.Driver.Rules[*r.RuleIndex].ShortDescription.Text == "" {
			t.Errorf("result %d: %+v has no rule", i, r)
		}
		if !slices.Contains([]string{"none", "note", "warning", "error"}, r.Level) || r.Message.Text == "" {
			t.Errorf("result %d: %+v", i, r)
		}
	}
	first, second := run.Results[0].Locations[0].PhysicalLocation, run.Results[1].Locations[0].PhysicalLocation
	if first.ArtifactLocation.URI != "rules/a%20b.yaml" || first.Region == nil || first.Region.StartLine != 3 || first.Region.StartColumn != 15 {
		t.Errorf("%+v", first)
	}
	if second.ArtifactLocation.URI != "./c:d.yaml" || second.Region != nil || len(run.Results[2].Locations) != 0 {
		t.Errorf("%+v", second)
	}
	if want := "never true. Hint: write 0.8"; run.Results[0].Message.Text != want {
		t.Errorf("message %q, want %q", run.Results[0].Message.Text, want)
	}
}

// A run without results has an empty list of them: a missing one says that it failed.
func TestSARIFWithoutResults(t *testing.T) {
	var out bytes.Buffer
	if err := SARIF(&out, "x", "", nil, nil); err != nil || !strings.Contains(out.String(), `"results": []`) || !strings.Contains(out.String(), `"rules": []`) {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestFileAnnotations(t *testing.T) {
	var out bytes.Buffer
	list := slices.Clone(found)
	for i := range 12 {
		list = append(list, Finding{Check: "many", Level: "warning", File: "w,x.yaml", Line: i + 1, Message: fmt.Sprintf("100%% of\n%d", i)})
	}
	if err := FileAnnotations(&out, list); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range map[int]string{
		0:  "::error file=rules/a b.yaml,line=3,col=15,title=unit::never true. Hint: write 0.8",
		1:  "::warning file=c%3Ad.yaml,title=syntax::no place",
		2:  "::warning file=w%2Cx.yaml,line=1,title=many::100%25 of%0A0",
		10: "::warning file=w%2Cx.yaml,line=9,title=many::100%25 of%0A8 (and 3 more)",
		11: "::notice file=,title=unit::no file",
	} {
		if i >= len(lines) || lines[i] != want {
			t.Errorf("line %d of %d: %q, want %q", i, len(lines), lines[min(i, len(lines)-1)], want)
		}
	}
	if len(lines) != 12 {
		t.Errorf("%d lines", len(lines))
	}
}
