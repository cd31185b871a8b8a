package business

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
)

var (
	errForbidden   = errors.New("it may not be read")
	errUnavailable = errors.New("it is not there")
)

// load reads the source and tells what it may be called: a URL without its query,
// which may hold a credential.
func (cfg Config) load(ctx context.Context) (data []byte, shown string, err error) {
	if !strings.HasPrefix(cfg.Source, "http://") && !strings.HasPrefix(cfg.Source, "https://") {
		data, err = readFile(ctx, cfg.Source)
		return data, cfg.Source, err
	}
	u, err := url.Parse(cfg.Source)
	switch {
	case err != nil || u.Host == "": // the cause would repeat the URL
		return nil, "", errors.New("the URL cannot be read: want https://HOST/PATH")
	case u.User != nil:
		return nil, "", errors.New("the URL holds a user name or password: give the credential as a header")
	}
	shown = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	if data, err = cfg.fetch(ctx, u); err != nil {
		return nil, "", fmt.Errorf("%s: %w", shown, err)
	}
	return data, shown, nil
}

// readFile gives up when ctx ends: a file of a network that is gone hangs.
func readFile(ctx context.Context, name string) ([]byte, error) {
	type reply struct {
		data []byte
		err  error
	}
	done := make(chan reply, 1)
	go func() {
		data, err := readRegular(name)
		done <- reply{data, err}
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", name, context.Cause(ctx))
	}
}

func readRegular(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() { // a pipe would wait for its other end
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	if err != nil {
		return nil, missing(name, err)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, missing(name, err)
	}
	defer f.Close()
	data, err := readAll(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

func missing(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w", name, errForbidden)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", name, errUnavailable)
	}
	return err
}

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err == nil && len(data) > MaxBytes {
		err = fmt.Errorf("larger than %d MiB", MaxBytes>>20)
	}
	return data, err
}

func (cfg Config) fetch(ctx context.Context, u *url.URL) ([]byte, error) {
	client := cfg.Access.Client()
	defer client.CloseIdleConnections()
	req, err := cfg.Access.Request(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errors.New("the URL cannot be asked for")
	}
	req.Close = true // even a connection that hangs is not kept until the next time
	req.Header.Set("Accept", "application/json, text/csv;q=0.9")
	resp, err := client.Do(req)
	if err != nil {
		return nil, network(ctx, err)
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return nil, fmt.Errorf("HTTP status %d: %w", code, errForbidden)
	case code >= 300 && code < 400:
		return nil, fmt.Errorf("HTTP status %d: redirects are not followed", code)
	case code != http.StatusOK:
		return nil, fmt.Errorf("HTTP status %d", code)
	}
	data, err := readAll(resp.Body)
	if err != nil {
		return nil, network(ctx, err)
	}
	return data, nil
}

// network is an error without the URL, which may hold a credential.
func network(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%w: %w", errUnavailable, e.Err)
	}
	return err
}
