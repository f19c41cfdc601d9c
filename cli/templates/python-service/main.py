import fescue


def main():
    with fescue.connect() as client:
        for message in client.subscribe("{{name}}/request"):
            name = message.json().get("name", "world")
            print(f"greeting {name}")
            client.publish("{{name}}/reply", {"message": f"Hello, {name}!"})


if __name__ == "__main__":
    main()
