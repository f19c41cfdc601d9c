package dev.fescue;

/** A request on its way to this client, which answers it by its id. */
final class Call extends Message {
    final long id;

    Call(String topic, byte[] payload, long id) {
        super(topic, payload);
        this.id = id;
    }
}
