package check

import (
	"bytes"
	"encoding/json"
	"strings"
)

// members calls visit for each member of an object, with the places of its key
// and its value.
func members(data []byte, visit func(keyAt int, key string, at int, value []byte) *Error) *Error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return faultAt(0, "%v", err)
	}
	for dec.More() {
		keyAt := skip(data, int(dec.InputOffset()))
		key, err := dec.Token()
		if err != nil {
			return faultAt(keyAt, "%v", err)
		}
		name, _ := key.(string) // nothing else is a key
		at := skip(data, int(dec.InputOffset()))
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return faultAt(at, "%v", err)
		}
		if err := visit(keyAt, name, at, value); err != nil {
			return err
		}
	}
	return nil
}

// elements calls visit for each element of a list, with its place.
func elements(data []byte, visit func(at int, value []byte) *Error) *Error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return faultAt(0, "%v", err)
	}
	for dec.More() {
		at := skip(data, int(dec.InputOffset()))
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return faultAt(at, "%v", err)
		}
		if err := visit(at, value); err != nil {
			return err
		}
	}
	return nil
}

// skip is the place of the next token from at on.
func skip(data []byte, at int) int {
	for at < len(data) && strings.IndexByte(" \t\r\n,:", data[at]) >= 0 {
		at++
	}
	return at
}

// first is the first byte of a value, 0 if there is none.
func first(data []byte) byte {
	if at := skip(data, 0); at < len(data) {
		return data[at]
	}
	return 0
}

// named is a JSON value in words.
func named(data []byte) string {
	switch first(data) {
	case 0:
		return "nothing"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return string(bytes.TrimSpace(data))
	case 'n':
		return "null"
	}
	return "a number"
}
