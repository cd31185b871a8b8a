package runfolder

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/probes/snapshot"
)

// Server is how the server went over time, as far as it was watched. Times are moved as
// Read moves them for origin. What telemetry.jsonl ends with and is no whole line is left
// out. Errors are of usage.
func (d *Folder) Server(origin time.Time) ([]loadreport.ServerMoment, error) {
	f, err := os.Open(d.path(Telemetry))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, cli.Usage(err)
	}
	defer f.Close()
	var side loadreport.ServerSide
	r := bufio.NewReaderSize(f, 64<<10)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, cli.Usage(err)
		}
		var s snapshot.Snapshot
		if err := json.Unmarshal(line, &s); err != nil {
			return nil, cli.Usage(fmt.Errorf("%s:%d: %w", d.path(Telemetry), n, err))
		}
		if s.Schema != snapshot.Schema {
			return nil, cli.Usagef("%s:%d: its schema is %q, not %q", d.path(Telemetry), n, s.Schema, snapshot.Schema)
		}
		side.See(s)
	}
	course := side.Course()
	if !origin.IsZero() && d.Start.IsZero() {
		return nil, nil // it never began: nothing says where in the others its times are
	}
	if !origin.IsZero() {
		for i := range course {
			course[i].At = course[i].At.Add(origin.Sub(d.Start))
		}
	}
	return course, nil
}
