package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

func TestInterruptibleInput(t *testing.T) {
	text := make([]byte, 100_000)
	for i := range text {
		text[i] = byte(rand.IntN(256))
	}
	ctx, cancel := context.WithCancel(t.Context())
	got, err := io.ReadAll(&interruptible{ctx: ctx, in: iotest.DataErrReader(iotest.HalfReader(bytes.NewReader(text)))})
	if err != nil || !bytes.Equal(got, text) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	silent, _ := io.Pipe()
	in := &interruptible{ctx: ctx, in: io.MultiReader(bytes.NewReader([]byte("begun")), silent)}
	if n, err := in.Read(make([]byte, 10)); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	ended := make(chan error)
	go func() {
		_, err := in.Read(make([]byte, 10))
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n, err := in.Read(make([]byte, 10)); n != 0 || !errors.Is(err, context.Canceled) {
		t.Error(n, err)
	}
}
