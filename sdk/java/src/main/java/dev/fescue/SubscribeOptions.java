package dev.fescue;

/**
 * How a filter is subscribed to. Each method changes this object and gives it back:
 * {@code new SubscribeOptions().policy(Policy.BLOCK).queue(64)}.
 */
public final class SubscribeOptions {
    static final int DEFAULT_QUEUE = 1024;

    Policy policy = Policy.DROP_OLDEST;
    int queue;
    boolean own = true;
    int credit = -1;

    /** Nothing said. */
    public SubscribeOptions() {}

    /** What happens when the queue is full; if nothing is said, the oldest message is dropped. */
    public SubscribeOptions policy(Policy what) {
        policy = what;
        return this;
    }

    /** How many messages may wait, 0 to 65,535; 0, or nothing said, is 1,024. */
    public SubscribeOptions queue(int messages) {
        if (messages < 0 || messages > 0xffff) {
            throw new IllegalArgumentException("queue " + messages + ": it is 0 (the default) to 65535 messages");
        }
        queue = messages;
        return this;
    }

    /** Leaves out what this client publishes. */
    public SubscribeOptions notOwn() {
        own = false;
        return this;
    }

    /** The broker sends so many messages, and more when {@link Subscription#credit} is called. */
    public SubscribeOptions credit(int messages) {
        if (messages < 0) {
            throw new IllegalArgumentException("credit of " + messages);
        }
        credit = messages;
        return this;
    }

    int room() {
        return queue == 0 ? DEFAULT_QUEUE : queue;
    }
}
