"""The smallest function."""

import hello


def test_greets():
    assert hello.handle({"name": "Ada"}, None) == {"message": "Hello, Ada!"}
    assert hello.handle(b"not JSON", None) == {"message": "Hello, world!"}
