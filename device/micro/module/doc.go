// Package module looks into WebAssembly modules that are meant for
// microcontrollers: what they import and export, what their instructions need of a
// machine, and how much memory they take there.
//
// [Read] promises that the module is valid in the features that micro/core has:
// wazero has checked it. What it tells of memory is what micro/core takes, an upper
// bound in the last few bytes.
package module
