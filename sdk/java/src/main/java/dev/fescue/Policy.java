package dev.fescue;

/** What happens when a subscription's queue is full and a message comes. */
public enum Policy {
    /** The message that waited longest is dropped. */
    DROP_OLDEST,
    /** The new message is dropped. */
    DROP_NEWEST,
    /** Publishers are held back, for up to a second. */
    BLOCK
}
