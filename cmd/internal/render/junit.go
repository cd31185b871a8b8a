package render

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// Suite is a group of cases in a JUnit report.
type Suite struct {
	Name  string
	At    time.Time // zero: not known
	Cases []Case
}

// Case is one gate. At most one of Failure and Error is set: the gate does not
// hold, or could not be judged.
type Case struct {
	Name, Class    string
	Duration       time.Duration
	Failure, Error string
	Output         string // shown beside the case
}

type junitRoot struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr,omitempty"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string     `xml:"name,attr"`
	Class   string     `xml:"classname,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitNote `xml:"failure"`
	Error   *junitNote `xml:"error"`
	Output  string     `xml:"system-out,omitempty"`
}

type junitNote struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes suites as JUnit XML, the form that CI systems show as tests.
func JUnit(w io.Writer, suites ...Suite) error {
	root := junitRoot{}
	for _, s := range suites {
		js := junitSuite{Name: s.Name, Tests: len(s.Cases)}
		if !s.At.IsZero() {
			js.Timestamp = s.At.UTC().Format("2006-01-02T15:04:05")
		}
		var total time.Duration
		for _, c := range s.Cases {
			jc := junitCase{Name: c.Name, Class: c.Class, Time: seconds(c.Duration), Output: c.Output}
			jc.Failure, jc.Error = note(c.Failure), note(c.Error)
			js.Failures += count(jc.Failure)
			js.Errors += count(jc.Error)
			total += c.Duration
			js.Cases = append(js.Cases, jc)
		}
		js.Time = seconds(total)
		root.Tests += js.Tests
		root.Failures += js.Failures
		root.Errors += js.Errors
		root.Suites = append(root.Suites, js)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(root); err != nil {
		return fmt.Errorf("write JUnit XML: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func note(text string) *junitNote {
	if text == "" {
		return nil
	}
	first, _, _ := strings.Cut(text, "\n")
	return &junitNote{Message: first, Text: text}
}

func count(n *junitNote) int {
	if n == nil {
		return 0
	}
	return 1
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
