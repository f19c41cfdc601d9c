def handle(event, context):
    """Answers {"name": "Ada"} with {"message": "Hello, Ada!"}."""
    name = event.get("name", "world") if isinstance(event, dict) else "world"
    print(f"greeting {name}")
    return {"message": f"Hello, {name}!"}
