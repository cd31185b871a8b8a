package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"llmops/probes/remote"
)

// Ended are times at which series that a selector matches have no value any more,
// though they had one less than five minutes before: there lies a stale marker, which
// Samples do not tell of. It is looked for at Start, Start+Step and so on; the answer
// has the form of that of Samples, with NaN in the place of each value.
func (c *Client) Ended(ctx context.Context, q Question, warn func(string)) io.ReadCloser {
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		err := c.ended(ctx, q, w, warn)
		_ = w.CloseWithError(err) // it never fails
	}()
	return ending{r, cancel}
}

type ending struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (e ending) Close() error {
	e.cancel()
	return e.PipeReader.Close()
}

// nameLabel is where the name of a metric is kept, since "unless" looks at all labels
// but the name.
const nameLabel = "llmops_name"

// endedExpr asks for what is gone.
func endedExpr(selector string) string {
	before := fmt.Sprintf("last_over_time(%s[5m])", selector)
	if !strings.HasPrefix(selector, "{") {
		return before + " unless " + selector
	}
	keep := func(expr string) string {
		return fmt.Sprintf(`label_replace(%s, %q, "$1", "__name__", "(.*)")`, expr, nameLabel)
	}
	return keep(before) + " unless " + keep(selector)
}

// ended asks piece by piece, as Samples does.
func (c *Client) ended(ctx context.Context, q Question, w io.Writer, warn func(string)) error {
	length := q.longest()
	for start := q.Start; start <= q.End; {
		steps := min(length, q.End-start) / q.Step
		warnings, err := c.Range(ctx, endedExpr(q.Expr), start, start+steps*q.Step, q.Step, func(s Series) error {
			delete(s.Labels, nameLabel)
			return writeEnds(w, s)
		})
		if e, ok := errors.AsType[*remote.Error](err); ok && tooMuch(e) && length > q.shortest() {
			length = max(length/2, q.shortest())
			continue
		}
		if err != nil {
			return err
		}
		for _, text := range warnings {
			warn(text)
		}
		start += (steps + 1) * q.Step
	}
	return nil
}

func writeEnds(w io.Writer, s Series) error {
	metric, err := json.Marshal(s.Labels)
	if err != nil {
		return fmt.Errorf("write labels: %w", err)
	}
	b := fmt.Appendf(nil, `{"data":{"resultType":"matrix","result":[{"metric":%s,"values":[`, metric)
	for i, t := range s.Times {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `[%s,"NaN"]`, seconds(t))
	}
	_, err = w.Write(append(b, "]}]}}\n"...))
	return err
}
