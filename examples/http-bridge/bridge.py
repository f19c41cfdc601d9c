"""POST /publish/a/b publishes the body on the topic web/a/b."""

from urllib.parse import parse_qs


def handle(event, context):
    topic = parse_qs(context.attributes["httpparameters"])["topic"][0]
    context.publish("web/" + topic, context.payload)
    return {"statusCode": 202, "body": {"published": "web/" + topic, "bytes": len(context.payload)}}
