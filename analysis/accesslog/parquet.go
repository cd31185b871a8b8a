package accesslog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// parquetFormat is Parquet files: Langfuse's and LiteLLM's exports, and any other
// whose columns have the names that our own exports have, or those that
// Options.Map gives. What is at the end of a file tells where its columns are, so
// it must be a file.
func parquetFormat() Format {
	return Format{
		Name:         "parquet",
		Detect:       detectParquet,
		DetectMapped: func(rows [][]byte, _ []genericField) int { return detectParquet(rows) },
		File:         readParquet,
	}
}

func detectParquet(rows [][]byte) int {
	if len(rows) > 0 && bytes.HasPrefix(rows[0], []byte("PAR1")) {
		return 100
	}
	return 0
}

// readParquet makes a JSON object of the wanted columns of each row and has it read
// by the parser of the format that there is as JSON too.
func readParquet(ctx context.Context, f io.ReaderAt, size int64, o Options, emit func(*Event), tell func(row int64, kind Row, why string)) error {
	var file *parquet.File
	if err := checkFooter(f, size); err != nil {
		return err
	}
	err := guard(func() (err error) {
		file, err = parquet.OpenFile(f, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		return err
	})
	if err != nil {
		return fmt.Errorf("not a Parquet file that can be read: %w", err)
	}
	parser, keys, err := parquetParser(file, o)
	if err != nil {
		return err
	}
	t := parquetTable{objects: objects{keys: keys}, root: file.Root()}
	row := int64(0)
	for i, group := range file.RowGroups() {
		if err := guard(func() error { return t.open(group, file.Metadata().RowGroups[i].Columns) }); err != nil {
			t.close()
			return fmt.Errorf("row %d: %w", row+1, err)
		}
		for range group.NumRows() {
			if row++; row%1024 == 0 && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := guard(t.read); err != nil {
				t.close()
				return fmt.Errorf("row %d: %w", row, err)
			}
			kind, why := parser.Parse(t.text, emit), ""
			if e, ok := parser.(Explainer); ok && kind == Malformed {
				why, _ = e.Explain(t.text)
			}
			tell(row, kind, why)
		}
		t.close()
	}
	return nil
}

// checkFooter looks at what a Parquet file ends in: the length of its description,
// and its mark. The library takes as much memory as they say.
func checkFooter(f io.ReaderAt, size int64) error {
	var end [8]byte
	if size < int64(len("PAR1")+len(end)) {
		return errors.New("not a Parquet file: too short")
	}
	if _, err := f.ReadAt(end[:], size-int64(len(end))); err != nil {
		return err
	}
	if string(end[4:]) != "PAR1" {
		return errors.New("a Parquet file that is cut off: it does not end in PAR1")
	}
	if n := int64(binary.LittleEndian.Uint32(end[:])); n > size-int64(len("PAR1")+len(end)) {
		return errors.New("the Parquet file is broken: its description is said to be longer than it")
	}
	return nil
}

// guard makes errors of the panics that the library has on broken files.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the file is broken: %v", r)
		}
	}()
	return f()
}

// parquetParser finds the format of the rows by the names of the columns.
func parquetParser(file *parquet.File, o Options) (p Parser, keys []string, err error) {
	if len(o.Map) == 0 {
		has := func(name string) bool { return file.Root().Column(name) != nil }
		switch {
		case isLangfuse(has):
			p := newLangfuseParser()
			return p, p.shape.keys, nil
		case isSpendLogs(has):
			p := newLiteLLMParser(true)
			return p, p.shape.keys, nil
		}
	}
	wanted, err := genericFields(o.Map)
	if err != nil {
		return nil, nil, err
	}
	var names [][]byte
	for _, path := range file.Schema().Columns() {
		names = append(names, []byte(strings.Join(path, ".")))
	}
	if _, err := newTable(names, wanted); err != nil {
		return nil, nil, err
	}
	jsonl := newJSONLParser(wanted)
	return jsonl, jsonl.shape.keys, nil
}
