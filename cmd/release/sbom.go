package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"runtime/debug"
	"strings"
)

// bom is the part of CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/) that
// a Go binary can fill.
type bom struct {
	Schema       string      `json:"$schema"`
	Format       string      `json:"bomFormat"`
	SpecVersion  string      `json:"specVersion"`
	SerialNumber string      `json:"serialNumber"`
	Version      int         `json:"version"`
	Metadata     metadata    `json:"metadata"`
	Components   []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Hashes     []hash     `json:"hashes,omitempty"`
	Licenses   []license  `json:"licenses,omitempty"`
	PURL       string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"` // hexadecimal
}

type license struct {
	License struct {
		ID string `json:"id"` // of SPDX
	} `json:"license"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// sbom is the bill of materials of a Go binary, as JSON: the modules that the
// linker says it put in, and Go's own library. There is no time in it, and the
// serial number is made of the binary's hash, so that the same binary gives
// the same bytes.
func sbom(version string, binary []byte) ([]byte, error) {
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return nil, fmt.Errorf("read which modules it is made of: %w", err)
	}
	sum := sha256.Sum256(binary)
	app := module("application", info.Main.Path, version)
	app.Hashes = []hash{{"SHA-256", hex.EncodeToString(sum[:])}}
	app.Licenses = make([]license, 1)
	app.Licenses[0].License.ID = "Apache-2.0"
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS", "GOARCH", "CGO_ENABLED":
			app.Properties = append(app.Properties, property{"go:" + s.Key, s.Value})
		}
	}
	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	parts := []component{module("library", "stdlib", goVersion)}
	for _, dep := range info.Deps {
		parts = append(parts, dependency(dep))
	}
	doc, err := json.MarshalIndent(bom{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", SpecVersion: "1.6",
		SerialNumber: serial(sum), Version: 1, Metadata: metadata{app}, Components: parts,
	}, "", "  ")
	return append(doc, '\n'), err
}

// dependency is a linked module, or the one that replaces it. Its go.sum line
// is a hash over a list of hashes, not one of a file: it is no CycloneDX hash.
func dependency(dep *debug.Module) component {
	if dep.Replace != nil {
		dep = dep.Replace
	}
	c := module("library", dep.Path, dep.Version)
	if dep.Sum != "" {
		c.Properties = []property{{"go:sum", dep.Sum}}
	}
	return c
}

func module(kind, path, version string) component {
	// package URLs of Go are in lower case: https://github.com/package-url/purl-spec
	purl := "pkg:golang/" + strings.ToLower(path) + "@" + url.QueryEscape(version)
	return component{Type: kind, Ref: purl, Name: path, Version: version, PURL: purl}
}

// serial is a UUID of version 8 (RFC 9562, section 5.8) from the start of a hash.
func serial(sum [sha256.Size]byte) string {
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
