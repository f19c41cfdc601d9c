package console

import (
	"bytes"
	"compress/gzip"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
)

// suffix is that of the embedded files: all of them are compressed.
const suffix = ".gz"

// serveCompressed sends a file as it is embedded, or, to the rare client that does
// not take gzip, as it was.
func serveCompressed(w http.ResponseWriter, r *http.Request, name string, compressed []byte) {
	h := w.Header()
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	h.Set("Content-Type", kind)
	h.Set("Vary", "Accept-Encoding")
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		write(w, r, compressed)
		return
	}
	plain, err := inflate(compressed)
	if err != nil {
		http.Error(w, "the file in the binary is damaged", http.StatusInternalServerError)
		return
	}
	write(w, r, plain)
}

func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, quality, _ := strings.Cut(part, ";")
		if strings.TrimSpace(coding) == "gzip" {
			return strings.TrimSpace(quality) != "q=0"
		}
	}
	return false
}

func inflate(compressed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
