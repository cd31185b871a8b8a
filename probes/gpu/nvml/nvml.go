// Package nvml reads NVIDIA GPUs through the driver's own library. It is the
// only package that uses go-nvml, which needs Linux and cgo; elsewhere the
// stub says so. It must not judge what it reads, and a machine without a
// driver is a normal machine: the reason comes back in words.
package nvml

// Info is what the driver says of itself.
type Info struct {
	Driver  string   `json:"driver"`            // driver version, such as "550.54.15"
	Devices []string `json:"devices,omitempty"` // product names, by index
}
