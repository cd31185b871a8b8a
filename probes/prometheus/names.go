package prometheus

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Names are the names of the metrics that the server has samples of between start and
// end, in ms since the epoch. A server may answer with more.
func (c *Client) Names(ctx context.Context, start, end int64) (names, warnings []string, err error) {
	a, err := c.begin(ctx, http.MethodGet, "api/v1/label/__name__/values", url.Values{"start": {seconds(start)}, "end": {seconds(end)}})
	if err != nil {
		return nil, nil, err
	}
	defer a.Close()
	r := &reply{list: func(dec *json.Decoder) error { return dec.Decode(&names) }}
	if err := a.decode(r.decode, r); err != nil {
		return nil, nil, err
	}
	return names, a.clean(r.warnings), nil
}
