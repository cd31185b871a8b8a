package snapshotcmd

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/probes/snapshot"
	"llmops/rules/catalog"
)

// textfile writes the series in the Prometheus text format for a node exporter's
// textfile collector: no times, which it refuses, and all of a name together.
func textfile(w io.Writer, s snapshot.Snapshot) error {
	meanings, err := catalog.Load()
	if err != nil {
		return cli.Failed(err)
	}
	byName := map[string][]snapshot.Sample{}
	for x := range s.Samples {
		byName[x.Name] = append(byName[x.Name], x)
	}
	out := bufio.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list := byName[name]
		if m, ok := meanings.Lookup(name); ok {
			fmt.Fprintf(out, "# HELP %s %s\n", name, helpEscapes.Replace(strings.Join(strings.Fields(m.EN), " ")))
		}
		fmt.Fprintf(out, "# TYPE %s %s\n", name, list[0].Kind)
		seen := map[string]bool{}
		for _, x := range list {
			key := labelPairs(x.Labels)
			if seen[key] { // the collector refuses a file with a series twice
				continue
			}
			seen[key] = true
			fmt.Fprintf(out, "%s%s %s\n", name, key, strconv.FormatFloat(x.Value, 'g', -1, 64))
		}
	}
	return out.Flush()
}

// helpEscapes are fewer than those of labels: quotes stay.
var helpEscapes = strings.NewReplacer(`\`, `\\`)

func labelPairs(labels []snapshot.Label) string {
	if len(labels) == 0 {
		return ""
	}
	pairs := make([]string, len(labels))
	for i, l := range labels {
		pairs[i] = l.Name + "=" + render.LabelValue(l.Value)
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// labelText is labels for people.
func labelText(labels map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, name+"="+strconv.Quote(labels[name]))
	}
	return strings.Join(pairs, ",")
}

// long is the series as a CSV that commands which read metrics take:
// timestamp, metric, value and a column for each label.
func long(s snapshot.Snapshot) *render.Table {
	columns := map[string]bool{}
	for x := range s.Samples {
		for _, l := range x.Labels {
			columns[l.Name] = true
		}
	}
	names := slices.Sorted(maps.Keys(columns))
	t := &render.Table{Columns: render.Columns(append([]string{"timestamp", "metric", "value"}, names...)...)}
	at := s.TakenAt.UTC().Format(time.RFC3339Nano)
	for x := range s.Samples {
		row := append(make([]string, 0, len(names)+3), at, x.Name, strconv.FormatFloat(x.Value, 'f', -1, 64))
		for _, name := range names {
			value := ""
			for _, l := range x.Labels {
				if l.Name == name {
					value = l.Value
				}
			}
			row = append(row, value)
		}
		t.Add(row...)
	}
	return t
}
