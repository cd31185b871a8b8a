package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// A parquetTable reads the wanted columns of a file, all at the same row.
type parquetTable struct {
	objects
	root    *parquet.Column
	columns []parquetColumn
	leaves  []*parquetLeaf
}

// A parquetColumn is a wanted column: one of values, or of objects.
type parquetColumn struct {
	key      int
	name     string // within an object
	leaf     *parquetLeaf
	fields   []parquetColumn // of an object
	mapKey   *parquetLeaf    // of an object whose keys are data,
	mapValue *parquetLeaf    // and their values
}

// open goes to the first row of a row group.
func (t *parquetTable) open(group parquet.RowGroup, about []format.ColumnChunk) error {
	t.columns, t.leaves = t.columns[:0], t.leaves[:0]
	chunks := group.ColumnChunks()
	for i, key := range t.keys {
		for _, c := range t.root.Columns() {
			if bytes.EqualFold([]byte(c.Name()), []byte(key)) {
				if column, ok := t.column(c, chunks); ok {
					column.key = i
					t.columns = append(t.columns, column)
				}
				break
			}
		}
	}
	if len(t.leaves) == 0 {
		return errors.New("no column holds a value")
	}
	for _, l := range t.leaves {
		// The library gives other bytes than were compressed for some of these pages.
		if about[l.index].MetaData.Codec == format.Lz4Raw {
			return fmt.Errorf("column %q is compressed with LZ4, which is not read; write the file with zstd, snappy or gzip", l.name)
		}
	}
	return nil
}

// column finds the values of a column; it is not ok for lists, which no field of
// ours is.
func (t *parquetTable) column(c *parquet.Column, chunks []parquet.ColumnChunk) (column parquetColumn, ok bool) {
	column.name = c.Name()
	switch pair := c.Columns(); {
	case c.Repeated():
		return column, false
	case c.Leaf():
		column.leaf = t.leaf(c, chunks)
		return column, true
	case len(pair) == 1 && pair[0].Repeated(): // a map: a repeated pair
		kv := pair[0].Columns()
		if len(kv) != 2 || !kv[0].Leaf() || !kv[1].Leaf() || kv[1].Repeated() {
			return column, false
		}
		column.mapKey, column.mapValue = t.leaf(kv[0], chunks), t.leaf(kv[1], chunks)
		return column, true
	default:
		for _, field := range c.Columns() {
			if f, ok := t.column(field, chunks); ok {
				column.fields = append(column.fields, f)
			}
		}
		return column, true
	}
}

func (t *parquetTable) leaf(c *parquet.Column, chunks []parquet.ColumnChunk) *parquetLeaf {
	l := &parquetLeaf{
		name:    strings.Join(c.Path(), "."),
		index:   c.Index(),
		defined: c.MaxDefinitionLevel(),
		write:   parquetText(c.Type()),
		pages:   chunks[c.Index()].Pages(),
	}
	t.leaves = append(t.leaves, l)
	return l
}

func (t *parquetTable) close() {
	for _, l := range t.leaves {
		l.close()
	}
}

// read makes the object of the next row.
func (t *parquetTable) read() error {
	t.begin()
	for i := range t.columns {
		t.key(t.columns[i].key)
		if err := t.value(&t.columns[i]); err != nil {
			return err
		}
	}
	t.end()
	return nil
}

// value writes the value of a column and a comma.
func (t *parquetTable) value(c *parquetColumn) error {
	switch {
	case c.leaf != nil:
		v, err := c.leaf.next()
		if err != nil {
			return err
		}
		t.scalar(c.leaf, v)
		return nil
	case c.mapKey != nil:
		return t.mapped(c)
	}
	t.text = append(t.text, '{')
	for i := range c.fields {
		t.text = append(appendJSONString(t.text, []byte(c.fields[i].name)), ':')
		if err := t.value(&c.fields[i]); err != nil {
			return err
		}
	}
	t.text = append(bytes.TrimSuffix(t.text, []byte{','}), '}', ',')
	return nil
}

// mapped writes a map: its pairs are those up to the next one that begins a row.
func (t *parquetTable) mapped(c *parquetColumn) error {
	t.text = append(t.text, '{')
	for {
		key, err := c.mapKey.next()
		if err != nil {
			return err
		}
		there := key.DefinitionLevel() == c.mapKey.defined
		if there {
			t.text = append(appendJSONString(t.text, key.ByteArray()), ':')
		}
		value, err := c.mapValue.next()
		if err != nil {
			return err
		}
		if there {
			t.scalar(c.mapValue, value)
		}
		if again, err := c.mapKey.again(); err != nil {
			return err
		} else if !again {
			break
		}
	}
	t.text = append(bytes.TrimSuffix(t.text, []byte{','}), '}', ',')
	return nil
}

func (t *parquetTable) scalar(l *parquetLeaf, v parquet.Value) {
	if v.IsNull() || v.DefinitionLevel() != l.defined {
		t.text = append(t.text, "null,"...)
		return
	}
	l.write(&t.objects, v)
}

// A parquetLeaf reads the values of a column of a row group, page by page.
type parquetLeaf struct {
	name    string
	index   int // among the columns of values
	defined int // the definition level of a value that is there
	write   func(*objects, parquet.Value)
	pages   parquet.Pages
	page    parquet.Page
	values  parquet.ValueReader
	buf     [64]parquet.Value
	i, n    int // buf[i:n] are to be read
}

var errFewValues = errors.New("the file is broken: a column has fewer values than the table has rows")

func (l *parquetLeaf) next() (parquet.Value, error) {
	if err := l.fill(); err != nil {
		if errors.Is(err, io.EOF) {
			err = errFewValues
		}
		return parquet.Value{}, err
	}
	l.i++
	return l.buf[l.i-1], nil
}

// again tells whether the next value is of the same row.
func (l *parquetLeaf) again() (bool, error) {
	if err := l.fill(); err != nil {
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		return false, err
	}
	return l.buf[l.i].RepetitionLevel() > 0, nil
}

// fill sees to it that there is a value in buf. The values before are of no more
// use then, as their page may be gone.
func (l *parquetLeaf) fill() error {
	for l.i == l.n {
		if l.values == nil {
			page, err := l.pages.ReadPage()
			if err != nil {
				return err
			}
			l.page, l.values = page, page.Values()
		}
		n, err := l.values.ReadValues(l.buf[:])
		l.i, l.n = 0, n
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 {
			parquet.Release(l.page)
			l.page, l.values = nil, nil
		}
	}
	return nil
}

func (l *parquetLeaf) close() {
	if l.page != nil {
		parquet.Release(l.page)
	}
	_ = l.pages.Close() // nothing was written
}
