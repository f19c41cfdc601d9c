"""The server as a service: answers every request on poly/request with the roots on poly/roots."""

import fescue

import roots


def main():
    with fescue.connect() as client:
        print(f"computing roots on {client.device}", flush=True)
        # `block` holds a client back rather than losing a request of one that sends faster than roots are found.
        for request in client.subscribe("poly/request", policy="block"):
            client.publish("poly/roots", roots.answer(request.payload))


if __name__ == "__main__":
    main()
