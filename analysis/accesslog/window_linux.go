package accesslog

import (
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"unsafe"
)

// A window shows a stretch of a file where the system keeps it, which spares the
// copy. One worker has it. What it showed is gone with the next stretch.
//
// A file that gets shorter while it is looked at leaves bytes that cannot be read,
// which the processor finds out where they are read: see guard.
type window struct{ pages []byte }

// canShow tells whether there are windows.
const canShow = true

// show gives the bytes [from, to) of a file, which has them.
func (w *window) show(f *os.File, from, to int64) ([]byte, error) {
	w.close()
	lead := from % int64(os.Getpagesize())
	pages, err := syscall.Mmap(int(f.Fd()), from-lead, int(to-from+lead), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	w.pages = pages
	return pages[lead:], nil
}

func (w *window) close() {
	if w.pages != nil {
		_ = syscall.Munmap(w.pages) // fails for what is none of its pages
		w.pages = nil
	}
}

// guard runs what looks through the window; a byte that cannot be read is its error.
func (w *window) guard(look func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch fault := recover().(type) {
		case nil:
		case interface {
			runtime.Error
			Addr() uintptr
		}:
			if !w.has(fault.Addr()) {
				panic(fault)
			}
			err = errShorter
		default:
			panic(fault)
		}
	}()
	return look()
}

func (w *window) has(address uintptr) bool {
	return len(w.pages) > 0 && address-uintptr(unsafe.Pointer(unsafe.SliceData(w.pages))) < uintptr(len(w.pages))
}
