// Package detect finds what is unusual in a metric. A Detector takes a series row by
// row, as it comes, and scores each row from 0 to 1; a score uses nothing that comes
// after its row, and no reading of the whole series before it. Channels look at the
// series in one way each; what they say is put on one scale, and the strangest counts.
//
// The package reads no files, knows no clock, and does not say what broke: that is
// package diagnose's.
package detect
