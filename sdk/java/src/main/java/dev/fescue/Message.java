package dev.fescue;

import java.nio.charset.StandardCharsets;

/** A message on a topic. */
public class Message {
    private final String topic;
    private final byte[] payload;

    Message(String topic, byte[] payload) {
        this.topic = topic;
        this.payload = payload;
    }

    /** The name it was published on. */
    public String topic() {
        return topic;
    }

    /** Its bytes. */
    public byte[] payload() {
        return payload;
    }

    /** Its bytes as UTF-8. */
    public String text() {
        return new String(payload, StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return "Message[" + topic + ", " + payload.length + " bytes]";
    }
}
