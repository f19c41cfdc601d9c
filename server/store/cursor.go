package store

import (
	"strconv"

	"fescue.dev/fescue/fail"
)

// Cursors of lists ordered by number are that number.
func numberCursor(n int64) string { return strconv.FormatInt(n, 10) }

func cursorNumber(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || n < 0 {
		return 0, fail.New(fail.Invalid, "read list", "%q is no cursor of this list", cursor).WithHint("Pass on 'next' of the page before as it is.")
	}
	return n, nil
}
