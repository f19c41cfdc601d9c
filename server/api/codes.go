package api

import (
	"net/http"

	"fescue.dev/fescue/fail"
)

// Code is the stable name of a kind of problem. Programs switch on it; its
// meaning is written at docs/reference/errors.md and /docs/errors.
type Code string

// codeInfo is what is fixed about a code.
type codeInfo struct {
	Code   Code
	Status int
	Title  string
	Means  string // when it is answered
	Remedy string // what the caller can do
}

// The codes that stand for no kind of package fail.
const (
	codeMalformed     Code = "malformed"
	codeMethod        Code = "method-not-allowed"
	codeNotAcceptable Code = "not-acceptable"
	codeMediaType     Code = "unsupported-media-type"
	codeSlow          Code = "request-timeout"
	codeMisdirected   Code = "misdirected"
	codeHandler       Code = "handler-failed"
)

// codes is every code, in the order of the page. Those named like a fail.Kind
// stand for it; this is the one place where kinds become HTTP.
func codes() []codeInfo {
	return []codeInfo{
		kindInfo(fail.Invalid, http.StatusUnprocessableEntity, "The input is wrong",
			"The request was understood, and what it asks for is wrong: a configuration with faults, an archive that cannot be read, a name of the wrong form. `faults` lists every fault, with line, column and field where there are such.",
			"Correct the input; the same request fails again."),
		{codeMalformed, http.StatusBadRequest, "The request cannot be read",
			"The body is not JSON or not multipart, or it is missing.",
			"Send a body in the form that the API's description asks for."},
		kindInfo(fail.Unauthenticated, http.StatusUnauthorized, "Who are you?",
			"The request has no token, or one that is not known.",
			"Send `Authorization: Bearer TOKEN`. The admin token is in the file `server/admin-token` of the state directory."),
		kindInfo(fail.Denied, http.StatusForbidden, "This is not allowed",
			"The token is good, but not for this; or a web page of another origin tried to change something.",
			"Use a token of the role that the operation needs."),
		kindInfo(fail.NotFound, http.StatusNotFound, "There is no such thing",
			"What the path or the body names is not stored, or the API has no such path.",
			"List what there is; look at the API's description."),
		{codeMethod, http.StatusMethodNotAllowed, "The path does not have this method",
			"The path exists, but not with this HTTP method; the header `Allow` names those it has.",
			"Look at the API's description."},
		{codeNotAcceptable, http.StatusNotAcceptable, "The answer is not to be had in this form",
			"The header `Accept` asks for a form that the operation does not have.",
			"Accept `application/json`, or `text/event-stream` where the operation streams."},
		{codeSlow, http.StatusRequestTimeout, "The request came too slowly",
			"The body did not arrive in time.",
			"Send the request again; for large archives, look at the link between client and server."},
		kindInfo(fail.Conflict, http.StatusConflict, "It is in use, or exists with other content",
			"A stored version has other content; or something that still uses the thing stands against the change.",
			"Raise the version, or remove what uses it first; `detail` names it."),
		kindInfo(fail.Canceled, http.StatusConflict, "Something newer took over",
			"The work was given up: it was cancelled, or a newer request replaced it.",
			"Look at the newer one."),
		kindInfo(fail.TooLarge, http.StatusRequestEntityTooLarge, "It is too large",
			"A limit on size or number was passed: of a body, an archive, the files in it.",
			"Send less; `detail` tells the limit."),
		{codeMediaType, http.StatusUnsupportedMediaType, "The body is of the wrong kind",
			"The header `Content-Type` names a form that the operation does not take.",
			"Send the form that the API's description asks for."},
		{codeMisdirected, http.StatusMisdirectedRequest, "The request was meant for another host",
			"The header `Host` names neither this machine's loopback addresses nor a name that the server was told. A web page that turned a name of its own to 127.0.0.1 looks like this.",
			"Use `127.0.0.1` or `localhost`."},
		kindInfo(fail.Internal, http.StatusInternalServerError, "A fault of Fescue's own",
			"Something failed that should not have. The server's log has the details.",
			"Try again; if it persists, report it with the log."),
		kindInfo(fail.Unsupported, http.StatusNotImplemented, "This cannot be done here",
			"This version of Fescue, or this device, cannot do what was asked for.",
			"`detail` tells what it lacks."),
		{codeHandler, http.StatusBadGateway, "The function raised an error",
			"The function was called, and its handler raised an exception; `handler` has its type, message and stack.",
			"Correct the function or its input. The function's logs may tell more."},
		kindInfo(fail.Unavailable, http.StatusServiceUnavailable, "A part does not answer now",
			"The device is not connected, the database cannot be reached, or the server is about to end.",
			"Try again; what was stored is not lost."),
		kindInfo(fail.Timeout, http.StatusGatewayTimeout, "It took too long",
			"A deadline passed before the device answered. What was asked for may still happen.",
			"Allow more time, or look at the device and the function's logs."),
		kindInfo(fail.Exhausted, http.StatusInsufficientStorage, "A resource ran out",
			"The server's or a device's disk is full, or another resource of the machine ran out.",
			"`hint` tells what to free."),
	}
}

func kindInfo(k fail.Kind, status int, title, means, remedy string) codeInfo {
	return codeInfo{Code(k.String()), status, title, means, remedy}
}

// infoOf finds a code; an unknown one is internal.
func infoOf(c Code) codeInfo {
	var internal codeInfo
	for _, i := range codes() {
		switch i.Code {
		case c:
			return i
		case Code(fail.Internal.String()):
			internal = i
		}
	}
	return internal
}

// codeOfStatus is the code of an HTTP status that the framework answers.
func codeOfStatus(status int) Code {
	for _, i := range codes() {
		if i.Status == status {
			return i.Code
		}
	}
	if status >= 400 && status < 500 {
		return codeMalformed
	}
	return Code(fail.Internal.String())
}
