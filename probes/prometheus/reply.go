package prometheus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// reply is read as it comes: one series at a time is in memory.
type reply struct {
	visit func(Series) error
	list  func(*json.Decoder) error // reads data that are a list, if it is not nil

	failure, failureType string
	warnings             []string
	refused              error // of visit
	known                bool  // it has the status of Prometheus's API
}

// maxWarnings bounds those that are kept.
const maxWarnings = 20

func (r *reply) decode(from io.Reader) error {
	dec := json.NewDecoder(from)
	err := object(dec, func(key string) error {
		switch key {
		case "status":
			var status string
			err := dec.Decode(&status)
			r.known = status == "success" || status == "error"
			return err
		case "data":
			if r.list != nil {
				return r.list(dec)
			}
			return r.data(dec)
		case "error":
			return dec.Decode(&r.failure)
		case "errorType":
			return dec.Decode(&r.failureType)
		case "warnings", "infos":
			var list []string
			err := dec.Decode(&list)
			if key == "warnings" {
				r.warnings = list[:min(len(list), maxWarnings)]
			}
			return err
		}
		return skip(dec)
	})
	if err == nil && !r.known {
		err = errors.New("it has no status")
	}
	return err
}

func (r *reply) data(dec *json.Decoder) error {
	return object(dec, func(key string) error {
		switch key {
		case "resultType":
			var kind string
			if err := dec.Decode(&kind); err != nil {
				return err
			}
			if kind != "matrix" {
				return fmt.Errorf("a %s is no matrix of series", kind)
			}
			return nil
		case "result":
			return r.result(dec)
		}
		return skip(dec)
	})
}

func (r *reply) result(dec *json.Decoder) error {
	if err := delim(dec, '['); err != nil {
		return err
	}
	var p points
	for dec.More() {
		one := struct {
			Metric     map[string]string
			Values     *points
			Histograms json.RawMessage
		}{Values: &p}
		p.times, p.values = p.times[:0], p.values[:0]
		if err := dec.Decode(&one); err != nil {
			return err
		}
		if one.Histograms != nil {
			r.refused = fmt.Errorf("%s is a native histogram: only counters and classic histograms can be read", one.Metric["__name__"])
			return r.refused
		}
		if err := r.visit(Series{Labels: one.Metric, Times: p.times, Values: p.values}); err != nil {
			r.refused = err
			return err
		}
	}
	return delim(dec, ']')
}

// object hands each key to value, which must read what belongs to it.
func object(dec *json.Decoder, value func(key string) error) error {
	if err := delim(dec, '{'); err != nil {
		return err
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if err := value(key); err != nil {
			return err
		}
	}
	return delim(dec, '}')
}

func delim(dec *json.Decoder, want json.Delim) error {
	t, err := dec.Token()
	if err == nil && t != want {
		return fmt.Errorf("%v where %v is wanted", t, want)
	}
	return err
}

func skip(dec *json.Decoder) error {
	var ignored json.RawMessage
	return dec.Decode(&ignored)
}

// points are [[seconds,"value"],…], read by hand: there are millions of them, and the
// decoder has checked by then that they are JSON.
type points struct {
	times  []int64
	values []float64
}

func (p *points) UnmarshalJSON(data []byte) error {
	rest, ok := after(data, '[')
	for ok {
		if end, done := after(rest, ']'); done {
			if len(bytes.TrimSpace(end)) > 0 {
				break
			}
			return nil
		}
		if len(p.times) > 0 {
			if rest, ok = after(rest, ','); !ok {
				break
			}
		}
		var err error
		if rest, err = p.one(rest); err != nil {
			return err
		}
	}
	return errors.New("values are no list of points")
}

func (p *points) one(data []byte) ([]byte, error) {
	bad := errors.New("a point is no time and value")
	rest, ok := after(data, '[')
	comma := bytes.IndexByte(rest, ',')
	if !ok || comma < 0 {
		return nil, bad
	}
	at, err := strconv.ParseFloat(string(bytes.TrimSpace(rest[:comma])), 64)
	if err != nil || math.Abs(at) > 1e14 {
		return nil, bad
	}
	rest, ok = after(rest[comma+1:], '"')
	quote := bytes.IndexByte(rest, '"')
	if !ok || quote < 0 {
		return nil, bad
	}
	v, err := strconv.ParseFloat(string(rest[:quote]), 64)
	if err != nil {
		return nil, bad
	}
	if rest, ok = after(rest[quote+1:], ']'); !ok {
		return nil, bad
	}
	p.times, p.values = append(p.times, int64(math.Round(at*1000))), append(p.values, v)
	return rest, nil
}

// after is what follows the character c, which must come next.
func after(data []byte, c byte) ([]byte, bool) {
	data = bytes.TrimLeft(data, " \t\r\n")
	if len(data) == 0 || data[0] != c {
		return data, false
	}
	return data[1:], true
}
