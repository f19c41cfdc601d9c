// The function of the conformance suite (device/runtimes/runtimetest), built both as a
// WASI command and as a reactor with the export "handle".
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

//go:wasmimport fescue event
func hostEvent(ptr unsafe.Pointer, size uint32) int32

//go:wasmimport fescue topic
func hostTopic(ptr unsafe.Pointer, size uint32) int32

//go:wasmimport fescue reply
func hostReply(ptr unsafe.Pointer, size uint32) int32

//go:wasmimport fescue fail
func hostFail(ptr unsafe.Pointer, size uint32)

//go:wasmimport fescue publish
func hostPublish(topic unsafe.Pointer, topicSize uint32, payload unsafe.Pointer, size uint32) int32

//go:wasmimport fescue state_get
func hostStateGet(key unsafe.Pointer, keySize uint32, ptr unsafe.Pointer, size uint32) int32

//go:wasmimport fescue state_set
func hostStateSet(key unsafe.Pointer, keySize uint32, ptr unsafe.Pointer, size uint32) int32

//go:wasmimport fescue log
func hostLog(level int32, ptr unsafe.Pointer, size uint32)

//go:wasmimport fescue clock
func hostClock() int64

//go:wasmimport fescue time
func hostTime() int64

// at is where a text lies.
func at(s string) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.StringData(s)), uint32(len(s))
}

// fetch reads what the host copies into a buffer.
func fetch(from func(unsafe.Pointer, uint32) int32) string {
	size := from(nil, 0)
	if size <= 0 {
		return ""
	}
	buffer := make([]byte, size)
	from(unsafe.Pointer(&buffer[0]), uint32(size))
	return string(buffer)
}

func publish(topic string) error {
	t, size := at(topic)
	p, length := at("published")
	if code := hostPublish(t, size, p, length); code != 0 {
		return fmt.Errorf("publish: %d (4 is denied)", code)
	}
	return nil
}

// kept counts events in the application's state.
func kept() (string, error) {
	key, size := at("count")
	buffer := make([]byte, 16)
	n := hostStateGet(key, size, unsafe.Pointer(&buffer[0]), uint32(len(buffer)))
	if n < 0 && n != -16 {
		return "", fmt.Errorf("state_get: %d", n)
	}
	count, _ := strconv.Atoi(string(buffer[:max(n, 0)]))
	value, length := at(strconv.Itoa(count + 1))
	if code := hostStateSet(key, size, value, length); code != 0 {
		return "", fmt.Errorf("state_set: %d", code)
	}
	return strconv.Itoa(count + 1), nil
}

var hoard [][]byte

func do(verb, rest string) (string, error) {
	switch verb {
	case "echo":
		return rest, nil
	case "fail":
		return "", errors.New(rest)
	case "sleep":
		ms, err := strconv.Atoi(rest)
		time.Sleep(time.Duration(ms) * time.Millisecond)
		return "slept", err
	case "print":
		fmt.Println("out", rest)
		fmt.Fprintln(os.Stderr, "err", rest)
		return "", nil
	case "exit":
		status, _ := strconv.Atoi(rest)
		os.Exit(status)
	case "read":
		text, err := os.ReadFile(rest)
		return string(text), err
	case "write":
		return "", os.WriteFile(rest, []byte("x"), 0o644)
	case "variable":
		return os.Getenv(rest), nil
	case "topic":
		return fetch(hostTopic), nil
	case "publish":
		return "", publish(rest)
	case "log":
		ptr, size := at(rest)
		hostLog(2, ptr, size)
		return "", nil
	case "count":
		return kept()
	case "times":
		begun := hostClock()
		time.Sleep(20 * time.Millisecond)
		return fmt.Sprint(hostClock()-begun >= 20, time.UnixMilli(hostTime()).Year() >= 2025), nil
	case "outside":
		hostReply(unsafe.Pointer(uintptr(0xfffffff0)), 100)
		return "", nil
	case "hoard":
		for {
			hoard = append(hoard, make([]byte, 1<<20))
		}
	case "loop":
		for {
			runtime.Gosched()
		}
	}
	return "", errors.New("no verb " + verb)
}

//go:wasmexport handle
func handle() int32 {
	verb, rest, _ := strings.Cut(fetch(hostEvent), " ")
	result, err := do(verb, rest)
	if err != nil {
		hostFail(at(err.Error()))
		return 1
	}
	hostReply(at(result))
	return 0
}

//go:wasmexport number
func number() int32 { return 7 }

//go:wasmexport wrong
func wrong(int32) {}

func main() {
	event, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	verb, rest, _ := strings.Cut(string(event), " ")
	result, err := do(verb, rest)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.WriteString(result)
}
