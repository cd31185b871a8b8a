// Command tool is a small binary with one module linked in, for the tests.
package main

import "github.com/google/go-cmp/cmp"

func main() { println(cmp.Equal(1, 1)) }
