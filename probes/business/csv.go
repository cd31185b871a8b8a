package business

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// readCSV reads either form; an empty cell is a value that is missing:
//
//	timestamp,active_users,conversion_rate     one column a metric
//	timestamp,metric,value,model               one row a value; other columns are labels
//
// The column of times may be missing, and its place does not matter.
func readCSV(data []byte) ([]row, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if err != nil {
		return nil, csvError(err)
	}
	form, err := columnsOf(header)
	if err != nil {
		return nil, fmt.Errorf("1: %w", err)
	}
	rows := form.absent()
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if e, ok := errors.AsType[*csv.ParseError](err); ok {
			rows = append(rows, placed(flawed("", fmt.Errorf("not valid CSV: %w", e.Err)), fmt.Sprintf("%d:", e.StartLine))...)
			continue
		}
		if err != nil {
			return nil, err
		}
		at, _ := r.FieldPos(0)
		rows = append(rows, placed(form.rows(record), fmt.Sprintf("%d:", at))...)
	}
}

func csvError(err error) error {
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("%d: not valid CSV: %w", e.Line, e.Err)
	}
	return err
}

// columns say what each column of a file is. time, metric and value are indices,
// -1 for none.
type columns struct {
	names               []string
	time, metric, value int
}

func columnsOf(header []string) (columns, error) {
	c := columns{time: -1, metric: -1, value: -1}
	for i, name := range header {
		name = strings.TrimSpace(name)
		switch {
		case name == "":
			return c, fmt.Errorf("column %d has no name", i+1)
		case slices.Contains(c.names, name):
			return c, fmt.Errorf("two columns are called %q", name)
		case isTime(name) && c.time < 0:
			c.time = i
		case isName(name) && c.metric < 0:
			c.metric = i
		case strings.EqualFold(name, "value"):
			c.value = i
		}
		c.names = append(c.names, name)
	}
	if (c.metric < 0) != (c.value < 0) {
		return c, errors.New("want columns metric and value, or a column for each metric")
	}
	if len(c.names) == 1 && c.time == 0 {
		return c, errors.New("there is no column of values")
	}
	if c.value < 0 && !slices.ContainsFunc(c.absent(), func(r row) bool { return metricName.MatchString(r.name) }) {
		return c, fmt.Errorf("want JSON, or CSV whose first line names metrics: %s is no name", quoted(c.names[0]))
	}
	return c, nil
}

// metricName is what may be the name of a metric, and no text of people.
var metricName = regexp.MustCompile(`^[\pL_:][\pL\pN_:.%/-]*$`)

// absent are the metrics that the header names, without values.
func (c columns) absent() []row {
	if c.value >= 0 {
		return nil
	}
	var rows []row
	for i, name := range c.names {
		if i != c.time {
			rows = append(rows, row{name: name, absent: true})
		}
	}
	return rows
}

func (c columns) rows(record []string) []row {
	var at *time.Time
	if c.time >= 0 {
		t, err := when(record[c.time])
		if err != nil {
			return flawed("", fmt.Errorf("%s: %w", c.names[c.time], err))
		}
		at = t
	}
	if c.value >= 0 {
		name := strings.TrimSpace(record[c.metric])
		if name == "" {
			return flawed("", errors.New("a row has no metric"))
		}
		var labels map[string]string
		for i, cell := range record {
			if cell == "" || i == c.time || i == c.metric || i == c.value {
				continue
			}
			if err := checkLabel(c.names[i], cell); err != nil {
				return flawed(name, fmt.Errorf("%s: %w", name, err))
			}
			if labels == nil {
				labels = map[string]string{}
			}
			labels[c.names[i]] = cell
		}
		return one(name, record[c.value], labels, at)
	}
	var rows []row
	for i, cell := range record {
		if i == c.time {
			continue
		}
		rows = append(rows, one(c.names[i], cell, nil, at)...)
	}
	return rows
}
